/* Counting what does not hold. */
#ifndef CHECK_H
#define CHECK_H

#include <mien/mien.h>

extern int checks, failures;

void check_at(int holds, const char* what, const char* file, int line);
void near_at(double got, double expected, double within, const char* what, const char* file, int line);
/* The status, words of the message, and that the error says the same as the return value. */
void refused_at(mien_status got, mien_status expected, const mien_error* error, const char* words,
                const char* file, int line);

#define CHECK(condition) check_at((condition) ? 1 : 0, #condition, __FILE__, __LINE__)
#define NEAR(got, expected, within) near_at(got, expected, within, #got, __FILE__, __LINE__)
#define REFUSED(call, status, words) refused_at(call, status, &error, words, __FILE__, __LINE__)

void test_geometry(void);  /* alignment, rigid motion */
void test_algebra(void);   /* Laplacian, factor, weights */
void test_deformers(void); /* Laplacian, as rigid as possible, transfer */
void test_host(void);      /* the host's threads, its floating-point mode */

#endif
