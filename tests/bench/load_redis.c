/*
 * Through a Redis stream: XADD in pipelined groups of -f commands, each answered once the group is in the append-only
 * file, and XREAD BLOCK by each subscriber.
 *
 *     load_redis [options] SOCKET
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "load.h"

enum { REDIS_READ_EVENTS = 1000, REDIS_ID_BYTES = 64 };

static redisContext *redis_connect(const struct load *load)
{
    redisContext *redis = redisConnectUnix(load->where[0]);

    if (!redis || redis->err)
        load_die(load->where[0], redis ? redis->errstr : "no memory");
    return redis;
}

static redisReply *redis_need(redisContext *redis, redisReply *reply)
{
    if (!reply || reply->type == REDIS_REPLY_ERROR)
        load_die("redis", reply ? reply->str : redis->errstr);
    return reply;
}

/* [[stream, [[id, [field, value]], …]]]: false after the last event. */
static bool redis_entries(const struct load *load, unsigned i, const redisReply *reply, char *last)
{
    const redisReply *entries;
    bool more = true;

    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 1)
        load_die("a subscriber", "hears nothing");
    entries = reply->element[0]->element[1];
    for (size_t at = 0; more && at < entries->elements; at++) {
        const redisReply *entry = entries->element[at];

        snprintf(last, REDIS_ID_BYTES, "%s", entry->element[0]->str);
        more = load_seen(load, i, entry->element[1]->element[1]->str);
    }
    return more;
}

static void redis_subscribe(const struct load *load, unsigned i)
{
    redisContext *redis = redis_connect(load);
    char last[REDIS_ID_BYTES] = "0-0"; /* the stream is this run's */
    bool more = true;

    load_ready(i);
    while (more) {
        redisReply *reply = redis_need(redis, redisCommand(redis, "XREAD COUNT %d BLOCK %d STREAMS bench.%ld %s",
                                                           REDIS_READ_EVENTS, LOAD_PATIENCE_MS, load->run, last));

        more = redis_entries(load, i, reply, last);
        freeReplyObject(reply);
    }
}

static void redis_group(const struct load *load, redisContext *redis, const char *event, uint32_t n)
{
    void *reply;

    for (uint32_t i = 0; i < n; i++)
        redisAppendCommand(redis, "XADD bench.%ld * e %b", load->run, event, (size_t)load->bytes);
    for (uint32_t i = 0; i < n; i++) {
        if (redisGetReply(redis, &reply) != REDIS_OK)
            load_die("redis", redis->errstr);
        freeReplyObject(redis_need(redis, reply));
    }
}

static void redis_publish(const struct load *load)
{
    redisContext *redis = redis_connect(load);
    char *event = calloc(1, load->bytes);

    load_wait_ready(NULL, NULL);
    for (uint64_t sent = 0; sent < load->n;) {
        uint64_t left = load->n - sent;
        uint32_t group = left < load->batch ? (uint32_t)left : load->batch;

        load_wait_turn(load, sent);
        load_stamp(load, event);
        redis_group(load, redis, event, group);
        sent += group;
    }
    load_wait_received(load);
    freeReplyObject(redis_need(redis, redisCommand(redis, "UNLINK bench.%ld", load->run)));
}

int main(int argc, char **argv)
{
    static const struct load_system system = {
        .usage = " SOCKET", .n_where = 1, .subscribe = redis_subscribe, .publish = redis_publish};

    return load_main(argc, argv, &system);
}
