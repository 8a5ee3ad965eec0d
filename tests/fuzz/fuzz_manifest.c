/* manifest.json of a backup, from anybody: refused with a reason, or paths that stay inside and that are written alike.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <fuzz.h>

#include "backup/manifest.h"

static void check_manifest(const struct manifest *manifest)
{
    struct manifest again;
    char why[MANIFEST_WHY];
    json_t *object = manifest_json(manifest);
    char *text = json_dumps(object, 0);

    assert(manifest->n > 0 && text);
    for (size_t i = 0; i < manifest->n; i++) {
        assert(manifest_path_valid(manifest->files[i].path));
        assert(!strstr(manifest->files[i].path, "..") || !strstr(manifest->files[i].path, "/.."));
        assert(manifest->files[i].path[0] != '/');
    }
    assert(manifest_read(&again, text, strlen(text), why) == 0);
    assert(again.n == manifest->n && again.next_seq == manifest->next_seq);
    assert(memcmp(again.files, manifest->files, manifest->n * sizeof(*manifest->files)) == 0);
    manifest_deinit(&again);
    free(text);
    json_decref(object);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct manifest manifest;
    char why[MANIFEST_WHY] = "";

    if (manifest_read(&manifest, data, size, why))
        assert(why[0]);
    else
        check_manifest(&manifest);
    manifest_deinit(&manifest);
    return 0;
}
