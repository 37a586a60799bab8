/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reporting half of a behaviour program: one line "ok N - name" or "not ok N - name" for each thing asserted, a
 * detail line "# ..." after a failure, and the plan "1..N" at the end. A program that dies early has no plan and so
 * fails. Only the process that called plan() at the end reports.
 */
#ifndef TAP_H
#define TAP_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int tap_number;
static bool tap_failed;

static inline void tap_line(bool passed, const char *format, va_list arguments)
{
	printf("%s %d - ", passed ? "ok" : "not ok", ++tap_number);
	vprintf(format, arguments);
	putchar('\n');
	fflush(stdout);
	tap_failed |= !passed;
}

static inline const char *tap_value(long long value, char *buffer, size_t size)
{
	const char *name = value < 0 && value >= -4095 ? strerrorname_np((int)-value) : NULL;

	if (name)
		snprintf(buffer, size, "%lld (%s)", value, name);
	else
		snprintf(buffer, size, "%lld", value);
	return buffer;
}

__attribute__((format(printf, 3, 4)))
static inline void tap_ok(bool passed, const char *where, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	tap_line(passed, format, arguments);
	va_end(arguments);
	if (!passed)
		printf("# %s\n", where);
}

__attribute__((format(printf, 4, 5)))
static inline void tap_is(long long actual, long long expected, const char *where, const char *format, ...)
{
	va_list arguments;
	char a[48], e[48];

	va_start(arguments, format);
	tap_line(actual == expected, format, arguments);
	va_end(arguments);
	if (actual != expected)
		printf("# got %s, expected %s: %s\n", tap_value(actual, a, sizeof(a)),
		       tap_value(expected, e, sizeof(e)), where);
}

#define TAP_STRING_(x) #x
#define TAP_STRING(x) TAP_STRING_(x)
#define TAP_WHERE __FILE__ ":" TAP_STRING(__LINE__)

/* ok(condition, name...): the condition holds. is(actual, expected, name...): two integers are equal. */
#define ok(condition, ...) tap_ok((condition), TAP_WHERE ": " #condition, __VA_ARGS__)
#define is(actual, expected, ...) tap_is((long long)(actual), (long long)(expected), TAP_WHERE, __VA_ARGS__)

/* A step that is no subject of the test must succeed: else the program ends, and the missing plan tells. */
#define must(expression)									\
	({											\
		__typeof__(expression) must_result = (expression);				\
		if ((long long)must_result < 0) {						\
			fprintf(stderr, TAP_WHERE ": " #expression ": %s\n", strerror(errno));	\
			fflush(NULL);								\
			_exit(99);								\
		}										\
		must_result;									\
	})

/* The kernel's convention: the result, or -errno. */
#define result(expression)							\
	({									\
		long long result_value = (long long)(expression);		\
		result_value == -1 ? -(long long)errno : result_value;		\
	})

static inline int plan(void)
{
	printf("1..%d\n", tap_number);
	fflush(stdout);
	return tap_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
