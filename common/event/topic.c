#include <tip/event.h>

#include <errno.h>
#include <string.h>

#include <topics.h>

static char topic_char(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c - 'A' + 'a');
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-')
        return c;
    return '_';
}

int tip_topic(char *topic, const char *prefix, const char *name)
{
    size_t n_prefix = strlen(prefix);
    size_t n_name = strlen(name);

    if (n_prefix + n_name + 1 > TIP_TOPIC_MAX)
        return -EMSGSIZE;
    memcpy(topic, prefix, n_prefix);
    for (size_t i = 0; i < n_name; i++)
        topic[n_prefix + i] = topic_char(name[i]);
    topic[n_prefix + n_name] = '.';
    topic[n_prefix + n_name + 1] = 0;
    return 0;
}

bool tip_event_is_under(const struct tip_event *event, const char *topic)
{
    const char *kind = tip_event_kind_name(event->kind);
    size_t n = strlen(kind);

    return n && !strncmp(topic, "v1.", 3) && !strncmp(topic + 3, kind, n) && topic[3 + n] == '.';
}

bool tip_topic_valid(const char *topic, size_t n)
{
    unsigned n_parts = 0;

    if (n > TIP_TOPIC_MAX || n < 3 || memcmp(topic, "v1.", 3) != 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (topic[i] != '.' && topic_char(topic[i]) != topic[i])
            return false;
        if (topic[i] == '.' && topic[i - 1] == '.')
            return false; /* an empty part */
        n_parts += topic[i] == '.';
    }
    return topic[n - 1] == '.' && n_parts >= 3;
}
