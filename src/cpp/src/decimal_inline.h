// The reader of decimal numbers, for inlining into parsers.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <type_traits>

#if !defined(__cpp_lib_to_chars)
#include <locale>
#include <sstream>
#endif

namespace mien {

inline bool isDigit(char c) {
    return static_cast<unsigned char>(c - '0') < 10;
}

// Text of a file for a message: what is not plain ASCII becomes a question mark.
inline std::string printable(const char* text, std::size_t length) {
    std::string out(text, length);
    for (char& c : out)
        if (c < ' ' || c > '~') c = '?';
    return out;
}

// Every case, slowly. `text` has no leading plus sign. Returns the end of the number, or null if there is
// none.
template <class T>
const char* parseNumberSlowly(const char* text, const char* end, T* out) {
#if defined(__cpp_lib_to_chars)
    const auto result = std::from_chars(text, end, *out);
    if (result.ec == std::errc::invalid_argument) return nullptr;
    if (result.ec == std::errc()) return result.ptr;
    // Too large or too small: the power of ten of the first digit that is not zero says which.
    const char* p = text + (*text == '-');
    std::int64_t power = 0, exponent = 0;
    while (p < result.ptr && *p == '0') ++p;
    while (p < result.ptr && isDigit(*p)) ++p, ++power;
    if (p < result.ptr && *p == '.') {
        ++p;
        if (power == 0)
            while (p < result.ptr && *p == '0') ++p, --power;
        while (p < result.ptr && isDigit(*p)) ++p;
    }
    if (p < result.ptr) {
        const bool plus = p + 1 < result.ptr && p[1] == '+';
        const auto read = std::from_chars(p + 1 + plus, result.ptr, exponent);
        if (read.ec != std::errc()) exponent = p[1] == '-' ? -(std::int64_t{1} << 60) : std::int64_t{1} << 60;
    }
    *out = power + exponent > 0 ? std::numeric_limits<T>::infinity() : T(0);
    if (*text == '-') *out = -*out;
    return result.ptr;
#else  // standard libraries without floating-point from_chars
    const char* stop = text;
    while (stop < end && (isDigit(*stop) || std::strchr("+-.eEinfatyINFATY", *stop))) ++stop;
    const std::string word(text, stop);
    if (word == "nan" || word == "-nan" || word == "inf" || word == "-inf") {
        const bool infinite = word.back() == 'f';
        *out = infinite ? std::numeric_limits<T>::infinity() : std::numeric_limits<T>::quiet_NaN();
        if (word[0] == '-') *out = -*out;
        return stop;
    }
    std::istringstream stream(word);
    stream.imbue(std::locale::classic());
    stream >> *out;
    if (!stream.eof()) return nullptr;
    return stop;
#endif
}

// Reads a number that starts at `text`; rounds to the nearest T, ties to even. Some character that is not
// part of a number must follow it before `end`. Returns the end of the number, or null if there is none.
//
// Most numbers in files have few digits: digits and power of ten are then exact doubles and one operation
// rounds once (W. D. Clinger, "How to Read Floating Point Numbers Accurately", PLDI 1990). A float is that
// double rounded again, which is right unless the double looks like a tie between two floats.
template <class T>
inline const char* parseNumber(const char* text, const char* end, T* out) {
    static constexpr double kPowers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                         1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                         1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    const char* p = text;
    const bool negative = *p == '-';
    if (negative || *p == '+') ++p;
    const char* const unsignedText = p;
    if (*p == '-' || (*p == '+')) return nullptr;

    std::uint64_t digits = 0;
    while (isDigit(*p)) digits = 10 * digits + static_cast<std::uint64_t>(*p++ - '0');
    std::int64_t count = p - unsignedText, exponent = 0;
    if (*p == '.') {
        const char* const fraction = ++p;
        while (isDigit(*p)) digits = 10 * digits + static_cast<std::uint64_t>(*p++ - '0');
        exponent = fraction - p;
        count -= exponent;
    }
    if (count > 0 && (*p == 'e' || *p == 'E')) {
        const char* q = p + 1;
        const bool minus = *q == '-';
        if (minus || *q == '+') ++q;
        if (isDigit(*q)) {
            std::int64_t power = 0;
            for (; isDigit(*q); ++q) power = power < 100000 ? 10 * power + (*q - '0') : power;
            exponent += minus ? -power : power;
            p = q;
        }
    }
    const bool simple =
        count > 0 && count <= 19 && digits < (std::uint64_t{1} << 53) && exponent >= -22 && exponent <= 22;
    if (simple) {
        double value = static_cast<double>(digits);
        value = exponent < 0 ? value / kPowers[-exponent] : value * kPowers[exponent];
        bool certain = true;
        if (std::is_same<T, float>::value) {
            std::uint64_t bits;
            std::memcpy(&bits, &value, sizeof bits);
            const bool tie = (bits & 0x1fffffffu) == 0x10000000u;
            certain = !tie && (digits == 0 || (value > 1.2e-38 && value < 3.4e38));
        }
        if (certain) {
            *out = static_cast<T>(negative ? -value : value);
            return p;
        }
    }
    return parseNumberSlowly(negative ? text : unsignedText, end, out);
}

}  // namespace mien
