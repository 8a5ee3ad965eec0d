#include "process.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

double process_seconds(const struct rusage *usage)
{
    return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
           (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

int process_run(char *const argv[], struct process_run *run)
{
    struct rusage usage;
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

        (void)dup2(null, 1);
        execvp(argv[0], argv);
        _exit(127);
    }
    if (pid == -1 || wait4(pid, &status, 0, &usage) != pid || !WIFEXITED(status))
        return -1;
    run->seconds = process_seconds(&usage);
    run->megabytes = (double)usage.ru_maxrss / 1024;
    return WEXITSTATUS(status);
}

size_t process_size(size_t full, size_t smoke)
{
    return getenv("TIP_BENCH_SMOKE") ? smoke : full;
}

static int process_compare(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return (x > y) - (x < y);
}

double process_median(double *values, size_t n)
{
    qsort(values, n, sizeof(*values), process_compare);
    return values[n / 2];
}
