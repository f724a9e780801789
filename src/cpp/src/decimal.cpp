#include "mien/decimal.h"

#include <cmath>
#include <string>

#include "decimal_inline.h"
#include "mien/error.h"

namespace mien {
namespace {

bool isBlank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

}  // namespace

std::int64_t parseNumbers(const char* text, std::size_t bytes, double* out, std::int64_t capacity,
                          std::size_t* consumed) {
    const char *p = text, *const end = text + bytes;
    std::int64_t count = 0;
    while (count < capacity) {
        while (p < end && isBlank(*p)) ++p;
        if (p == end) break;
        const char* stop = p;
        while (stop < end && !isBlank(*stop)) ++stop;
        const char* after = nullptr;
        if (stop < end) {
            after = parseNumber(p, end, out + count);
            if (after != stop) after = nullptr;
        } else {  // the last word: the reader needs a character behind it
            const std::string word = std::string(p, stop) + ' ';
            const char* begin = word.data();
            const char* last = parseNumber(begin, begin + word.size(), out + count);
            if (last == begin + word.size() - 1) after = stop;
        }
        if (!after)
            throw Error(Status::badFormat,
                        "expected a number; found '" +
                            printable(p, static_cast<std::size_t>(stop - p > 40 ? 40 : stop - p)) + "'");
        p = after;
        ++count;
    }
    *consumed = static_cast<std::size_t>(p - text);
    return count;
}

char* formatNumber(float value, char* out) {
    if (!std::isfinite(value)) {
        const char* word = std::isnan(value) ? "nan" : value < 0 ? "-inf" : "inf";
        const std::size_t length = std::strlen(word);
        std::memcpy(out, word, length);
        return out + length;
    }
#if defined(__cpp_lib_to_chars)
    return std::to_chars(out, out + kLongestNumber, value).ptr;
#else
    std::ostringstream stream;
    stream.imbue(std::locale::classic());
    stream.precision(9);
    stream << value;
    const std::string text = stream.str();
    std::memcpy(out, text.data(), text.size());
    return out + text.size();
#endif
}

}  // namespace mien
