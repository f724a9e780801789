// Errors of the core: one exception type with a status, thrown by entry points before any kernel runs.
#pragma once

#include <stdexcept>
#include <string>

namespace mien {

enum class Status {
    invalidArgument = 1,  // an argument has the wrong shape, type or value
    numericalFailure,     // the mathematics failed; the message names the frame or vertex
    badFormat,            // bytes are not what their format says; the message names the place
};

class Error : public std::runtime_error {
  public:
    Error(Status status, const std::string& message) : std::runtime_error(message), status_(status) {}
    Status status() const noexcept { return status_; }

  private:
    Status status_;
};

}  // namespace mien
