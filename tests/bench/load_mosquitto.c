/*
 * Through mosquitto, QoS 1 on both sides with at most -f events not acked. Its acks say that the broker has the event
 * in memory; what it keeps it writes by a timer.
 *
 *     load_mosquitto [options] PORT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mosquitto.h>

#include "load.h"

enum { MQTT_TOPIC_BYTES = 64, MQTT_KEEPALIVE_S = 60, MQTT_TURN_US = 20 };

struct mqtt {
    const struct load *load;
    struct mosquitto *client;
    char topic[MQTT_TOPIC_BYTES];
    unsigned reader;
    _Atomic uint64_t acked;
    _Atomic int connected;
    bool done;
};

static void mqtt_need(int r, const char *what)
{
    if (r != MOSQ_ERR_SUCCESS)
        load_die(what, mosquitto_strerror(r));
}

static void mqtt_open(struct mqtt *mqtt, const struct load *load)
{
    mosquitto_lib_init();
    mqtt->load = load;
    mqtt->client = mosquitto_new(NULL, true, mqtt);
    snprintf(mqtt->topic, sizeof(mqtt->topic), "bench/%ld", load->run);
    mqtt_need(mosquitto_int_option(mqtt->client, MOSQ_OPT_SEND_MAXIMUM, (int)load->batch), "in flight");
    mqtt_need(mosquitto_int_option(mqtt->client, MOSQ_OPT_TCP_NODELAY, 1), "nodelay");
}

static void mqtt_connect(struct mqtt *mqtt)
{
    mqtt_need(mosquitto_connect(mqtt->client, "127.0.0.1", atoi(mqtt->load->where[0]), MQTT_KEEPALIVE_S), "connect");
}

/* ---- a subscriber ---- */

static void mqtt_on_subscribed(struct mosquitto *client, void *ctx, int mid, int n, const int *granted)
{
    struct mqtt *mqtt = ctx;

    (void)client, (void)mid, (void)n, (void)granted;
    load_ready(mqtt->reader);
}

static void mqtt_on_message(struct mosquitto *client, void *ctx, const struct mosquitto_message *message)
{
    struct mqtt *mqtt = ctx;

    (void)client;
    if (!mqtt->done)
        mqtt->done = !load_seen(mqtt->load, mqtt->reader, message->payload);
}

static void mqtt_subscribe(const struct load *load, unsigned i)
{
    struct mqtt mqtt = {.reader = i};

    mqtt_open(&mqtt, load);
    mosquitto_subscribe_callback_set(mqtt.client, mqtt_on_subscribed);
    mosquitto_message_callback_set(mqtt.client, mqtt_on_message);
    mqtt_connect(&mqtt);
    mqtt_need(mosquitto_subscribe(mqtt.client, NULL, mqtt.topic, 1), "subscribe");
    while (!mqtt.done)
        mqtt_need(mosquitto_loop(mqtt.client, LOAD_PATIENCE_MS, 1), "a subscriber");
}

/* ---- the publisher ---- */

static void mqtt_on_connected(struct mosquitto *client, void *ctx, int r)
{
    struct mqtt *mqtt = ctx;

    (void)client;
    mqtt_need(r, "connect");
    mqtt->connected = 1;
}

static void mqtt_on_acked(struct mosquitto *client, void *ctx, int mid)
{
    struct mqtt *mqtt = ctx;

    (void)client, (void)mid;
    mqtt->acked++;
}

static void mqtt_publish(const struct load *load)
{
    struct mqtt mqtt = {.reader = 0};
    char *event = calloc(1, load->bytes);

    mqtt_open(&mqtt, load);
    mosquitto_connect_callback_set(mqtt.client, mqtt_on_connected);
    mosquitto_publish_callback_set(mqtt.client, mqtt_on_acked);
    mqtt_connect(&mqtt);
    mqtt_need(mosquitto_loop_start(mqtt.client), "thread");
    load_wait_ready(NULL, NULL);
    while (!mqtt.connected)
        usleep(1000);
    for (uint64_t sent = 0; sent < load->n; sent++) {
        load_wait_turn(load, sent);
        while (sent - mqtt.acked >= load->batch)
            usleep(MQTT_TURN_US);
        load_stamp(load, event);
        mqtt_need(mosquitto_publish(mqtt.client, NULL, mqtt.topic, (int)load->bytes, event, 1, false), "publish");
    }
    while (mqtt.acked < load->n)
        usleep(1000);
}

int main(int argc, char **argv)
{
    static const struct load_system system = {
        .usage = " PORT", .n_where = 1, .subscribe = mqtt_subscribe, .publish = mqtt_publish};

    return load_main(argc, argv, &system);
}
