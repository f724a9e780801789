// Decimal text to numbers and back, exactly: reading rounds correctly, writing gives the shortest text that
// reads back as the same number. Independent of the process's locale.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mien {

// Reads numbers separated by white space until `capacity` are read or the text ends.
//   text      `bytes` characters; need not end with a zero
//   out       room for `capacity` numbers
//   consumed  where reading stopped, in characters
// Returns how many were read. Throws Error (badFormat) for a word that is not a number.
std::int64_t parseNumbers(const char* text, std::size_t bytes, double* out, std::int64_t capacity,
                          std::size_t* consumed);

// Characters that formatNumber may need.
constexpr int kLongestNumber = 32;

// Writes the shortest text that reads back as `value`; returns the end of what was written. Not a number is
// "nan", the infinities are "inf" and "-inf".
char* formatNumber(float value, char* out);

}  // namespace mien
