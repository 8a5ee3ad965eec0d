#pragma once
/*
 * Programs beside each other, a process each, so that start-up, reading and memory count for all alike. Processor time
 * is what counts where each has one thread: it does not depend on what else the machine does.
 */
#include <stddef.h>
#include <sys/resource.h>

struct process_run {
    double seconds;   /* of processors, user and system */
    double megabytes; /* at its peak */
};

/** Runs a program with its output thrown away. Returns its exit code, -1 if it could not be run to its end. */
int process_run(char *const argv[], struct process_run *run);

/** Of processors, user and system. */
double process_seconds(const struct rusage *usage);

/** Of a short form, which only shows that the program still works (TIP_BENCH_SMOKE): `smoke` instead of `full`. */
size_t process_size(size_t full, size_t smoke);

/** Sorts the values. */
double process_median(double *values, size_t n);
