#include "io/line.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

uint64_t line_cookie(int fd)
{
    uint64_t cookie = 0;
    socklen_t n = sizeof(cookie);

    return getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &n) == -1 ? 0 : cookie;
}

/* As far as both counters of bytes. */
static bool line_ask(int fd, struct tcp_info *info)
{
    socklen_t n = sizeof(*info);

    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &n) == 0 &&
           n >= offsetof(struct tcp_info, tcpi_bytes_received) + sizeof(info->tcpi_bytes_received);
}

bool line_arrived(int fd, uint64_t *bytesp)
{
    struct tcp_info info = {0};

    if (!line_ask(fd, &info))
        return false;
    *bytesp = info.tcpi_bytes_received;
    return true;
}

bool line_taken(int fd, uint64_t *bytesp)
{
    int waiting = 0;

    if (!line_arrived(fd, bytesp) || ioctl(fd, FIONREAD, &waiting) == -1)
        return false;
    *bytesp = *bytesp > (uint64_t)waiting ? *bytesp - (uint64_t)waiting : 0;
    return true;
}

/* What is acknowledged between the two questions counts as not given yet. */
uint64_t line_given(int fd, uint64_t *cookiep, uint64_t *ackedp)
{
    struct tcp_info info = {0};
    int waiting = 0;

    if (fd <= 0 || !line_ask(fd, &info) || ioctl(fd, SIOCOUTQ, &waiting) == -1)
        return UINT64_MAX;
    if (!*cookiep)
        *cookiep = line_cookie(fd);
    if (line_cookie(fd) != *cookiep)
        return UINT64_MAX;
    *ackedp = info.tcpi_bytes_acked;
    return info.tcpi_bytes_acked + (uint64_t)waiting;
}

bool line_is_full(int fd)
{
    struct pollfd room = {.fd = fd, .events = POLLOUT};

    return poll(&room, 1, 0) == 0;
}

static void line_address(int fd, char address[LINE_ADDRESS_BYTES])
{
    struct sockaddr_in peer = {0};
    socklen_t n = sizeof(peer);
    char host[INET_ADDRSTRLEN] = "?";

    if (getpeername(fd, (struct sockaddr *)&peer, &n) == 0 && peer.sin_family == AF_INET)
        (void)inet_ntop(AF_INET, &peer.sin_addr, host, sizeof(host)); /* it fits */
    (void)snprintf(address, LINE_ADDRESS_BYTES, "%s:%u", host, (unsigned)ntohs(peer.sin_port));
}

/* Dissolving (connect(2), AF_UNSPEC) resets the connection; after a shutdown(2) libzmq would still read all of it. */
int line_cut(int fd, uint64_t cookie, char address[LINE_ADDRESS_BYTES])
{
    const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    bool is_it;

    if (own == -1)
        return LINE_E_BUSY;
    is_it = line_cookie(own) == cookie;
    if (is_it) {
        line_address(own, address);
        (void)connect(own, &nowhere, sizeof(nowhere)); /* fails when it has ended by itself */
    }
    (void)close(own); /* of a number that is ours */
    return is_it ? 0 : LINE_E_OTHER;
}
