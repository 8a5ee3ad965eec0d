#include "lab/lists.h"

enum { LAB_FIRST_FEED = 3 }; /* the generation in which LAB_FEED begins to list LAB_ADDRESS */

const struct lab_list lab_lists[LAB_LIST_COUNT] = {
    [LAB_HOSTS] = {"lab-hosts", "hosts.txt", "kind: lines\ntype: ip4\n", "0.60", false},
    [LAB_RANGES] = {"lab-ranges", "ranges.p2p.gz", "kind: range\ntype: ip4\n", "0.40", true},
    [LAB_TABLE] = {"lab-table", "table.csv", "kind: csv\ntype: auto\nheader: true\ncolumn: address\n", "0.50", false},
    [LAB_FEED] = {"lab-feed", "feed.json", "kind: json\ntype: auto\npointer: /entries/*/indicator\n", "0.55", false},
    [LAB_NAMES] = {"lab-names", "names.hosts", "kind: hosts\ntype: domain\n", "0.70", false},
    [LAB_URLS] = {"lab-urls", "urls.txt", "kind: lines\ntype: url\n", "0.65", false},
    [LAB_PORTS] = {"lab-ports", "ports.txt", "kind: lines\ntype: ip:port\n", "0.50", false},
};

/* SplitMix64 (Steele, Lea, Flood 2014): enough to scatter entries. */
static uint64_t lab_mix(uint64_t seed, uint64_t list, uint64_t entry)
{
    uint64_t x = seed + (list << 32 | entry) * UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

/* Each entry stays for six generations of eight, and each begins at its own. */
static bool lab_is_there(enum lab_list_id list, uint64_t seed, unsigned generation, unsigned entry)
{
    return (generation + lab_mix(seed, list, entry)) % 8 < 6;
}

static int lab_write_hosts(uint64_t seed, unsigned generation, struct tip_buf *out)
{
    int r = tip_buf_append_format(out, "# lab-hosts: SIMULATED, generation %u\n# one address a line\n" LAB_ADDRESS "\n",
                                  generation);

    for (unsigned i = 8; i < 120 && r == 0; i++) {
        if (lab_is_there(LAB_HOSTS, seed, generation, i))
            r = tip_buf_append_format(out, "192.0.2.%u ; seen at a honeypot of the lab\n", i);
    }
    return r;
}

static int lab_write_ranges(uint64_t seed, unsigned generation, struct tip_buf *out)
{
    int r = tip_buf_append_text(out, "# lab-ranges: SIMULATED\nlab network:192.0.2.0-192.0.2.15\n");

    for (unsigned i = 0; i < 16 && r == 0; i++) {
        if (lab_is_there(LAB_RANGES, seed, generation, i))
            r = tip_buf_append_format(out, "lab hoster %u:198.51.100.%u-198.51.100.%u\n", i, i * 16, i * 16 + 11);
    }
    return r;
}

static int lab_write_table(uint64_t seed, unsigned generation, struct tip_buf *out)
{
    int r = tip_buf_append_text(out, "address,country,comment\n" LAB_ADDRESS ",ZZ,\"always here, by design\"\n");

    for (unsigned i = 60; i < 200 && r == 0; i++) {
        if (lab_is_there(LAB_TABLE, seed, generation, i))
            r = tip_buf_append_format(out, "192.0.2.%u,ZZ,\"host \"\"%u\"\" of the lab\"\n", i, i);
    }
    for (unsigned i = 0; i < 8 && r == 0; i++) {
        if (lab_is_there(LAB_TABLE, seed, generation, 1000 + i))
            r = tip_buf_append_format(out, "203.0.113.%u/27,ZZ,network\n", i * 32);
    }
    return r;
}

static int lab_write_feed(uint64_t seed, unsigned generation, struct tip_buf *out)
{
    int r = tip_buf_append_format(out, "{\"simulated\": true, \"generation\": %u, \"entries\": [\n", generation);

    if (r == 0 && generation >= LAB_FIRST_FEED)
        r = tip_buf_append_text(out, "  {\"indicator\": \"" LAB_ADDRESS "\", \"score\": 90},\n");
    for (unsigned i = 0; i < 60 && r == 0; i++) {
        if (lab_is_there(LAB_FEED, seed, generation, i))
            r = tip_buf_append_format(out, "  {\"indicator\": \"2001:db8::%x\", \"score\": %u},\n", i + 1, 50 + i % 50);
    }
    return r ? r : tip_buf_append_text(out, "  {\"indicator\": \"192.0.2.201\", \"score\": 75}\n]}\n");
}

static int lab_write_names(uint64_t seed, unsigned generation, struct tip_buf *out)
{
    int r = tip_buf_append_text(out, "# lab-names: SIMULATED\n127.0.0.1 localhost\n0.0.0.0 malware.test\n");

    for (unsigned i = 0; i < 80 && r == 0; i++) {
        if (lab_is_there(LAB_NAMES, seed, generation, i))
            r = tip_buf_append_format(out, "0.0.0.0 host%u.botnet%u.test # lab\n", i, i % 7);
    }
    return r;
}

static int lab_write_urls(uint64_t seed, unsigned generation, struct tip_buf *out)
{
    int r = tip_buf_append_text(out, "# lab-urls: SIMULATED\nhttp://malware.test/download/invoice.exe\n");

    for (unsigned i = 0; i < 40 && r == 0; i++) {
        if (lab_is_there(LAB_URLS, seed, generation, i))
            r = tip_buf_append_format(out, "http://shop%u.phish.test/login?id=%u\n", i, i * 17);
    }
    return r;
}

static int lab_write_ports(uint64_t seed, unsigned generation, struct tip_buf *out)
{
    int r = tip_buf_append_text(out, "# lab-ports: SIMULATED command and control servers\n192.0.2.99:443\n");

    for (unsigned i = 0; i < 30 && r == 0; i++) {
        if (lab_is_there(LAB_PORTS, seed, generation, i))
            r = tip_buf_append_format(out, "203.0.113.%u:%u\n", i + 10, 8000 + i * 3);
    }
    return r;
}

static int (*const lab_writers[LAB_LIST_COUNT])(uint64_t seed, unsigned generation, struct tip_buf *out) = {
    [LAB_HOSTS] = lab_write_hosts, [LAB_RANGES] = lab_write_ranges, [LAB_TABLE] = lab_write_table,
    [LAB_FEED] = lab_write_feed,   [LAB_NAMES] = lab_write_names,   [LAB_URLS] = lab_write_urls,
    [LAB_PORTS] = lab_write_ports,
};

int lab_list_write(enum lab_list_id id, uint64_t seed, unsigned generation, struct tip_buf *out)
{
    return lab_writers[id](seed, generation, out);
}

enum lab_fault lab_fault_at(uint64_t elapsed_ms)
{
    const uint64_t at_s = elapsed_ms / 1000 % 40;

    if (at_s < 6 || at_s >= 26)
        return LAB_FAULT_NONE;
    return at_s < 16 ? LAB_FAULT_HTTP_503 : LAB_FAULT_EMPTY;
}

unsigned lab_generation_at(uint64_t elapsed_ms)
{
    return (unsigned)(elapsed_ms / 6000);
}
