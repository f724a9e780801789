/* Uses the installed C library as a host would, against answers known by other means, and every way of being
 * wrong. Prints one line and returns 0 if all is well. */
#include "check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

int checks = 0, failures = 0;

void check_at(int holds, const char* what, const char* file, int line) {
    ++checks;
    if (holds) return;
    ++failures;
    fprintf(stderr, "%s:%d: %s does not hold\n", file, line, what);
}

void near_at(double got, double expected, double within, const char* what, const char* file, int line) {
    ++checks;
    if (fabs(got - expected) <= within) return;
    ++failures;
    fprintf(stderr, "%s:%d: %s is %.17g, expected %.17g within %g\n", file, line, what, got, expected,
            within);
}

void refused_at(mien_status got, mien_status expected, const mien_error* error, const char* words,
                const char* file, int line) {
    ++checks;
    if (got == expected && error->status == expected && strstr(error->message, words)) return;
    ++failures;
    fprintf(stderr, "%s:%d: got %s (%s), expected %s with '%s'\n", file, line, mien_status_name(got),
            error->message, mien_status_name(expected), words);
}

static void test_versions(void) {
    mien_error error;
    char version[32];
    const char* path = mien_instruction_set(&error);
    sprintf(version, "%d.%d.%d", MIEN_VERSION_MAJOR, MIEN_VERSION_MINOR, MIEN_VERSION_PATCH);
    CHECK(strcmp(mien_version(), version) == 0);
    CHECK(mien_abi_version() == MIEN_ABI_VERSION);
    CHECK(strcmp(mien_status_name(MIEN_OK), "ok") == 0);
    CHECK(strcmp(mien_status_name(77), "unknown status") == 0);
    CHECK(path != NULL && error.status == MIEN_OK && error.message[0] == 0);
    CHECK(!strcmp(path, "base") || !strcmp(path, "avx2") || !strcmp(path, "avx512"));
}

int main(void) {
    test_host(); /* first: it sees that the library starts no threads of its own */
    test_versions();
    test_geometry();
    test_algebra();
    test_deformers();
    printf("C consumer: mien %s, %s path, %d checks, %d failures\n", mien_version(),
           mien_instruction_set(NULL), checks, failures);
    return failures ? 1 : 0;
}
