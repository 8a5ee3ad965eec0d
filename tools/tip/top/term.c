#include "top/term.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { TERM_READ_BYTES = 64 };

void term_size(int *widthp, int *heightp)
{
    struct winsize size = {.ws_col = 0};
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != -1;

    *widthp = known && size.ws_col ? size.ws_col : 80;
    *heightp = known && size.ws_row ? size.ws_row : 24;
}

static void term_take(struct term *term)
{
    struct termios keys = term->before;

    keys.c_lflag &= (tcflag_t) ~(ICANON | ECHO); /* signals stay: Ctrl-C, Ctrl-Z */
    keys.c_cc[VMIN] = 0;
    keys.c_cc[VTIME] = 0;
    if (term->has_keys)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &keys);
    fputs("\033[?1049h\033[?25l\033[2J", stdout);
    fflush(stdout);
    term->is_ours = true;
}

static void term_give_back(struct term *term)
{
    if (!term->is_ours)
        return;
    term->is_ours = false;
    fputs("\033[0m\033[?25h\033[?1049l", stdout);
    fflush(stdout);
    if (term->has_keys)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &term->before);
}

/* ---- keys ---- */

/* What a key sends: one byte, or ESC [ and a letter. */
static const struct {
    const char *bytes;
    enum term_key key;
} term_keys[] = {
    {"q", TERM_QUIT},      {"Q", TERM_QUIT},       {"\033[D", TERM_LEFT}, {"\033OD", TERM_LEFT}, {"\033[C", TERM_RIGHT},
    {"\t", TERM_RIGHT},    {"\033OC", TERM_RIGHT}, {"\033[A", TERM_UP},   {"\033OA", TERM_UP},   {"k", TERM_UP},
    {"\033[B", TERM_DOWN}, {"\033OB", TERM_DOWN},  {"j", TERM_DOWN},
};

/* @return bytes of the key at the start of text */
static size_t term_key(struct term *term, const char *text)
{
    for (size_t i = 0; i < sizeof(term_keys) / sizeof(term_keys[0]); i++) {
        size_t n = strlen(term_keys[i].bytes);

        if (strncmp(text, term_keys[i].bytes, n) == 0) {
            term->on_key(term->ctx, term_keys[i].key, 0);
            return n;
        }
    }
    if (*text >= '1' && *text <= '9')
        term->on_key(term->ctx, TERM_DIGIT, *text - '0');
    return 1;
}

static void term_on_keys(void *ctx, unsigned what)
{
    char text[TERM_READ_BYTES + 1];
    struct term *term = ctx;
    ssize_t n;

    (void)what; /* it is only ever readable */
    n = read(STDIN_FILENO, text, TERM_READ_BYTES);
    if (n <= 0) {
        tip_watch_set(&term->keys, 0);
        term->on_end(term->ctx);
        return;
    }
    text[n] = '\0';
    for (size_t at = 0; at < (size_t)n;)
        at += term_key(term, text + at);
}

/* ---- signals ---- */

static void term_on_end(void *ctx)
{
    struct term *term = ctx;

    term->on_end(term->ctx);
}

static void term_on_stop(void *ctx)
{
    struct term *term = ctx;

    term_give_back(term);
    (void)raise(SIGSTOP); /* it cannot fail; we go on here after SIGCONT */
    term_take(term);
    term->on_key(term->ctx, TERM_NONE, 0);
}

static void term_on_resize(void *ctx)
{
    struct term *term = ctx;

    term->on_key(term->ctx, TERM_NONE, 0);
}

void term_open(struct term *term)
{
    term->has_keys = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &term->before) == 0;
    tip_signal_init(&term->hangup, term->loop, SIGHUP, term_on_end, term);
    tip_signal_init(&term->quit, term->loop, SIGQUIT, term_on_end, term);
    tip_signal_init(&term->stop, term->loop, SIGTSTP, term_on_stop, term);
    tip_signal_init(&term->resize, term->loop, SIGWINCH, term_on_resize, term);
    tip_watch_init(&term->keys, term->loop, STDIN_FILENO, term_on_keys, term);
    tip_watch_set(&term->keys, term->has_keys ? TIP_WATCH_READ : 0);
    term_take(term);
}

void term_close(struct term *term)
{
    if (!term->loop)
        return;
    term_give_back(term);
    tip_watch_deinit(&term->keys);
    tip_signal_deinit(&term->hangup);
    tip_signal_deinit(&term->quit);
    tip_signal_deinit(&term->stop);
    tip_signal_deinit(&term->resize);
}
