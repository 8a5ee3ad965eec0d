/* Alone in its file so that the crash test can link another one and must then fail. */
#include "journal_format.h"

#include <tip/crc32c.h>

#include "le.h"

uint32_t journal_salt(const struct journal_identity *identity, uint64_t segment)
{
    uint8_t number[8];
    uint32_t crc;

    le64_put(number, segment);
    crc = tip_crc32c(0, identity->id, sizeof(identity->id));
    crc = tip_crc32c(crc, identity->secret, sizeof(identity->secret));
    return tip_crc32c(crc, number, sizeof(number));
}
