#pragma once
/*
 * Programs beside each other, a process each, so that start-up, reading and memory count for all alike. Processor time
 * is what counts where each has one thread: it does not depend on what else the machine does.
 */
#include <stddef.h>

struct process_run {
    double seconds;   /* of processors, user and system */
    double megabytes; /* at its peak */
};

/** Runs a program with its output thrown away. Returns its exit code, -1 if it could not be run to its end. */
int process_run(char *const argv[], struct process_run *run);

/** Sorts the values. */
double process_median(double *values, size_t n);
