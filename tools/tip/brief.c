#include "brief.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A value below 1,000 (1,024), and its letter. */
static void brief_scaled(double value, double step, const char *letters, char *text)
{
    while (value >= (step < 1024 ? 999.95 : 1023.5) && letters[1]) {
        value /= step;
        letters++;
    }
    if (*letters == ' ')
        snprintf(text, BRIEF_BYTES, "%.0f", value);
    else
        snprintf(text, BRIEF_BYTES, value < 99.95 && *letters != 'B' ? "%.1f%c" : "%.0f%c", value, *letters);
}

void brief_count(double value, char text[static BRIEF_BYTES])
{
    if (value < 9999.5)
        snprintf(text, BRIEF_BYTES, "%.0f", value);
    else
        brief_scaled(value, 1000, " kMGTP", text);
}

void brief_rate(double value, char text[static BRIEF_BYTES])
{
    if (value > 0 && value < 9.95)
        snprintf(text, BRIEF_BYTES, "%.1f", value < 0.1 ? 0.1 : value);
    else
        brief_count(value, text);
}

void brief_bytes(double value, char text[static BRIEF_BYTES])
{
    brief_scaled(value, 1024, "BKMGTP", text);
}

void brief_seconds(double value, char text[static BRIEF_BYTES])
{
    long s = lround(value);

    if (value <= 0)
        snprintf(text, BRIEF_BYTES, "0s");
    else if (value < 0.0995)
        snprintf(text, BRIEF_BYTES, "%.0fms", ceil(value * 1000));
    else if (value < 9.95)
        snprintf(text, BRIEF_BYTES, "%.1fs", value);
    else if (s < 120)
        snprintf(text, BRIEF_BYTES, "%lds", s);
    else if (s < 2 * 3600)
        snprintf(text, BRIEF_BYTES, "%ldm%02lds", s / 60, s % 60);
    else if (s < 2 * 86400)
        snprintf(text, BRIEF_BYTES, "%ldh%02ldm", s / 3600, s % 3600 / 60);
    else
        snprintf(text, BRIEF_BYTES, "%ldd%ldh", s / 86400 < 99999 ? s / 86400 : 99999, s % 86400 / 3600);
}

void brief_spark(const double *values, unsigned n, int is_utf8, char text[static 3 * BRIEF_SPARK_MAX + 1])
{
    static const char *const bars[] = {"\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588"};
    static const char *const plain[] = {"_", ".", ":", "-", "=", "+", "*", "#"};
    double top = 0;

    text[0] = '\0';
    for (unsigned i = 0; i < n && i < BRIEF_SPARK_MAX; i++)
        top = values[i] > top ? values[i] : top;
    for (unsigned i = 0; i < n && i < BRIEF_SPARK_MAX; i++) {
        int height = top > 0 ? (int)lround(values[i] / top * 7) : 0;

        height = height < 0 ? 0 : height;
        if (values[i] <= 0)
            strcat(text, " ");
        else
            strcat(text, is_utf8 ? bars[height] : plain[height]);
    }
}
