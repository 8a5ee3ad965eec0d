#include "health.h"

#include <stdio.h>
#include <stdlib.h>

#include <tip/admin.h>
#include <tip/buf.h>

enum { HEALTH_BODY_BYTES_MAX = 64 << 10, HEALTH_PATH_BYTES = 108, HEALTH_OK = 200 };

int health_tell(const char *run, const char *name)
{
    tip_auto(tip_buf_deinit) struct tip_buf body;
    char socket[HEALTH_PATH_BYTES];
    long status = 0;

    tip_buf_init(&body, HEALTH_BODY_BYTES_MAX);
    if ((size_t)snprintf(socket, sizeof(socket), "%s/%s.sock", run, name) >= sizeof(socket) ||
        tip_admin_ask(socket, "/readyz", &body, &status)) {
        (void)printf("nobody answers at %s\n", socket);
        status = 0;
    } else {
        (void)printf("%s\n", tip_buf_text(&body));
    }
    return fflush(stdout) == 0 && status == HEALTH_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}
