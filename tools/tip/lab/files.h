#pragma once
/* The configuration of a lab: tip.yaml and one file a source, made from what the lab found free. */
#include <stdint.h>

#include <tip/cleanup.h>

enum {
    LAB_PORT_INGEST,
    LAB_PORT_FEED,
    LAB_PORT_FEED_GREEN,
    LAB_PORT_FEED_CLEAR,
    LAB_PORT_FETCH,
    LAB_PORT_WORK,
    LAB_PORT_WEB,
    LAB_PORT_PAGE, /* 8080 when nobody has it */
    LAB_PORT_DNS,
    LAB_PORTS_COUNT
};

struct lab_files {
    char dir[64]; /* of the whole lab, absolute */
    char config[96], run[96], data[96], sources[96], keys[96];
    uint16_t ports[LAB_PORTS_COUNT];
};

/** Names the places and finds free ports. @return 0, or -EADDRNOTAVAIL */
tip_nodiscard int lab_files_init(struct lab_files *files, const char *dir);

/** Makes the directories and writes the files. */
tip_nodiscard int lab_files_write(const struct lab_files *files);
