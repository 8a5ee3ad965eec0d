#include "golden.h"

#include <errno.h>

#include <tip/buf.h>
#include <tip/call.h>

static void assert_golden(const char *name, const struct tip_buf *buf)
{
    uint8_t bytes[GOLDEN_MAX];
    size_t n = golden_read("call", name, bytes);

    assert_int_equal(buf->len, n);
    assert_memory_equal(buf->data, bytes, n);
}

static void test_store_query(void **state)
{
    struct tip_param param = {"value", "192.0.2.7"};
    struct tip_store_query query = {.name = "search.ip", .n_params = 1, .params = &param, .limit = 100};
    tip_auto(tip_call_free) struct tip_store_query *back = NULL;
    tip_auto(tip_buf_deinit) struct tip_buf buf;

    (void)state;
    tip_buf_init(&buf, TIP_CALL_BYTES_MAX);
    assert_int_equal(tip_store_query_encode(&query, &buf), 0);
    assert_golden("store_query", &buf);
    assert_int_equal(tip_store_query_decode(buf.data, buf.len, &back), 0);
    assert_string_equal(back->name, "search.ip");
    assert_string_equal(tip_param_get(back->params, back->n_params, "value"), "192.0.2.7");
    assert_null(tip_param_get(back->params, back->n_params, "other"));
    assert_int_equal(back->limit, 100);
    query.limit = TIP_CALL_ROWS_MAX + 1;
    assert_int_equal(tip_store_query_encode(&query, &buf), -EINVAL);
}

static void test_store_answer(void **state)
{
    struct tip_column columns[2] = {{"source", TIP_COLUMN_TEXT}, {"since", TIP_COLUMN_TIME}};
    const char *cells[4] = {"drop.v4", "2026-01-01T00:00:00.000Z", "", NULL};
    struct tip_store_answer answer = {.n_columns = 2, .n_rows = 2, .columns = columns, .cells = cells, .more = true};
    tip_auto(tip_call_free) struct tip_store_answer *back = NULL;
    tip_auto(tip_buf_deinit) struct tip_buf buf;

    (void)state;
    tip_buf_init(&buf, TIP_CALL_BYTES_MAX);
    assert_int_equal(tip_store_answer_encode(&answer, &buf), 0);
    assert_golden("store_answer", &buf);
    assert_int_equal(tip_store_answer_decode(buf.data, buf.len, &back), 0);
    assert_int_equal(back->n_rows, 2);
    assert_string_equal(back->columns[1].name, "since");
    assert_int_equal(back->columns[1].type, TIP_COLUMN_TIME);
    assert_string_equal(back->cells[0], "drop.v4");
    assert_string_equal(back->cells[2], "");
    assert_null(back->cells[3]);
    assert_true(back->more);
}

static void test_store_answer_has_bounds(void **state)
{
    /* one column declared, a row of two cells */
    static const uint8_t ragged[] = {0x0a, 0x03, 0x0a, 0x01, 'a', 0x12, 0x04, 0x0a, 0x00, 0x0a, 0x00};
    struct tip_store_answer *back = NULL;
    struct tip_column column = {"x", TIP_COLUMN_TEXT};
    struct tip_store_answer answer = {.n_columns = 1, .columns = &column, .n_rows = TIP_CALL_ROWS_MAX + 1};
    tip_auto(tip_buf_deinit) struct tip_buf buf;

    (void)state;
    tip_buf_init(&buf, TIP_CALL_BYTES_MAX);
    assert_int_equal(tip_store_answer_decode(ragged, sizeof(ragged), &back), TIP_EVENT_E_INVALID);
    assert_null(back);
    assert_int_equal(tip_store_answer_encode(&answer, &buf), -EMSGSIZE);
}

static void test_control(void **state)
{
    struct tip_param force = {"force", "true"}, run = {"run_id", "1"};
    struct tip_control_request request = {.actor = "alice",
                                          .action = "run",
                                          .target = "blacklist",
                                          .reason = "by hand",
                                          .expires_unix_ms = 1767225600123,
                                          .dry_run = true,
                                          .n_params = 1,
                                          .params = &force};
    struct tip_control_answer answer = {.ok = true, .result = "started", .n_values = 1, .values = &run};
    tip_auto(tip_call_free) struct tip_control_request *asked = NULL;
    tip_auto(tip_call_free) struct tip_control_answer *told = NULL;
    tip_auto(tip_buf_deinit) struct tip_buf buf;

    (void)state;
    tip_buf_init(&buf, TIP_CALL_BYTES_MAX);
    assert_int_equal(tip_control_request_encode(&request, &buf), 0);
    assert_golden("control_request", &buf);
    assert_int_equal(tip_control_request_decode(buf.data, buf.len, &asked), 0);
    assert_string_equal(asked->action, "run");
    assert_true(asked->dry_run);
    tip_buf_clear(&buf);
    assert_int_equal(tip_control_answer_encode(&answer, &buf), 0);
    assert_golden("control_answer", &buf);
    assert_int_equal(tip_control_answer_decode(buf.data, buf.len, &told), 0);
    assert_string_equal(tip_param_get(told->values, told->n_values, "run_id"), "1");
}

static void test_snapshot_request(void **state)
{
    struct tip_snapshot_request request = {.snapshot_id = golden_id(0x70), .page = 3};
    struct tip_snapshot_request first = {.other_than = golden_id(0x70)};
    struct tip_snapshot_request bad = {.page = 1};
    tip_auto(tip_call_free) struct tip_snapshot_request *back = NULL;
    tip_auto(tip_buf_deinit) struct tip_buf buf;

    (void)state;
    tip_buf_init(&buf, TIP_CALL_BYTES_MAX);
    assert_int_equal(tip_snapshot_request_encode(&request, &buf), 0);
    assert_golden("snapshot_request", &buf);
    tip_buf_clear(&buf);
    assert_int_equal(tip_snapshot_request_encode(&bad, &buf), 0);
    assert_int_equal(tip_snapshot_request_decode(buf.data, buf.len, &back), TIP_EVENT_E_INVALID); /* page 1 of what? */
    assert_null(back);
    tip_buf_clear(&buf);
    assert_int_equal(tip_snapshot_request_encode(&first, &buf), 0);
    assert_golden("snapshot_first", &buf);
    assert_int_equal(tip_snapshot_request_decode(buf.data, buf.len, &back), 0);
    assert_true(tip_id_is_zero(&back->snapshot_id));
    assert_true(tip_id_equal(&back->other_than, &first.other_than));
}

static struct tip_snapshot_page snapshot_page(void)
{
    static const uint8_t data[] = {0, 1, 2, 3, 4, 5, 6};
    struct tip_snapshot_page page = {.snapshot_id = golden_id(0x70),
                                     .journal_id = golden_id(0x60),
                                     .seq = (UINT64_C(1) << 40) + 1,
                                     .taken_unix_ms = 1767225600123,
                                     .size = TIP_SNAPSHOT_PAGE_BYTES + sizeof(data),
                                     .n_pages = 2,
                                     .page = 1,
                                     .data = data,
                                     .data_len = sizeof(data)};

    memcpy(page.sha256, golden_id(0x80).bytes, 16);
    memcpy(page.sha256 + 16, golden_id(0x90).bytes, 16);
    return page;
}

static void test_snapshot_page(void **state)
{
    struct tip_snapshot_page page = snapshot_page();
    tip_auto(tip_call_free) struct tip_snapshot_page *back = NULL;
    tip_auto(tip_buf_deinit) struct tip_buf buf;

    (void)state;
    tip_buf_init(&buf, TIP_CALL_BYTES_MAX);
    assert_int_equal(tip_snapshot_page_encode(&page, &buf), 0);
    assert_golden("snapshot_page", &buf);
    assert_int_equal(tip_snapshot_page_decode(buf.data, buf.len, &back), 0);
    assert_int_equal(back->size, page.size);
    assert_int_equal(back->page, 1);
    assert_memory_equal(back->sha256, page.sha256, sizeof(page.sha256));
    assert_int_equal(back->data_len, page.data_len);
    assert_memory_equal(back->data, page.data, page.data_len);
}

/* Each row is the good page with one thing wrong. */
static void test_snapshot_page_has_bounds(void **state)
{
    struct tip_snapshot_page pages[9];
    tip_auto(tip_buf_deinit) struct tip_buf buf;

    (void)state;
    tip_buf_init(&buf, TIP_CALL_BYTES_MAX);
    for (size_t i = 0; i < 9; i++)
        pages[i] = snapshot_page();
    pages[0].page = 2;
    pages[1].page = 0; /* the first one is full */
    pages[2].n_pages = 3;
    pages[3].n_pages = 0;
    pages[4].data_len = 6;
    pages[5].size = TIP_SNAPSHOT_BYTES_MAX + 1;
    pages[6].taken_unix_ms = -1;
    memset(&pages[7].snapshot_id, 0, 16);
    memset(&pages[8].journal_id, 0, 16);
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(tip_snapshot_page_encode(&pages[i], &buf), -EINVAL);
    assert_int_equal(buf.len, 0);
}

static void test_snapshot_page_of_nothing(void **state)
{
    struct tip_snapshot_page page = snapshot_page();
    tip_auto(tip_call_free) struct tip_snapshot_page *back = NULL;
    tip_auto(tip_buf_deinit) struct tip_buf buf;

    (void)state;
    page.size = page.data_len = page.n_pages = page.page = 0;
    tip_buf_init(&buf, TIP_CALL_BYTES_MAX);
    assert_int_equal(tip_snapshot_page_encode(&page, &buf), 0);
    assert_int_equal(tip_snapshot_page_decode(buf.data, buf.len, &back), 0);
    assert_int_equal(back->n_pages, 0);
    assert_int_equal(tip_snapshot_pages(TIP_SNAPSHOT_PAGE_BYTES), 1);
    assert_int_equal(tip_snapshot_pages(TIP_SNAPSHOT_PAGE_BYTES + 1), 2);
    assert_int_equal(tip_snapshot_page_bytes(TIP_SNAPSHOT_PAGE_BYTES + 1, 0), TIP_SNAPSHOT_PAGE_BYTES);
    assert_int_equal(tip_snapshot_page_bytes(TIP_SNAPSHOT_PAGE_BYTES + 1, 1), 1);
    assert_int_equal(tip_snapshot_page_bytes(TIP_SNAPSHOT_PAGE_BYTES + 1, 2), 0);
}

static void test_garbage_is_malformed(void **state)
{
    static const uint8_t garbage[] = {0x0a, 0xff, 0xff};
    struct tip_control_request *request = NULL;

    (void)state;
    assert_int_equal(tip_control_request_decode(garbage, sizeof(garbage), &request), TIP_EVENT_E_MALFORMED);
    assert_int_equal(tip_control_request_decode(garbage, 0, &request), TIP_EVENT_E_INVALID); /* no action */
    assert_null(request);
    assert_string_equal(tip_failure_name(TIP_FAILURE_NO_WORKER), "no_worker");
}

static void test_verdict_lookup(void **state)
{
    struct tip_lookup_item items[TIP_LOOKUP_MAX + 1] = {{TIP_KIND_NONE, "192.0.2.7"}, {TIP_KIND_DOMAIN, "a.example"}};
    struct tip_verdict_lookup lookup = {.n_items = 2, .items = items};
    tip_auto(tip_call_free) struct tip_verdict_lookup *back = NULL;
    tip_auto(tip_buf_deinit) struct tip_buf buf;

    (void)state;
    tip_buf_init(&buf, TIP_CALL_BYTES_MAX);
    assert_int_equal(tip_verdict_lookup_encode(&lookup, &buf), 0);
    assert_golden("verdict_lookup", &buf);
    assert_int_equal(tip_verdict_lookup_decode(buf.data, buf.len, &back), 0);
    assert_int_equal(back->n_items, 2);
    assert_int_equal(back->items[1].kind, TIP_KIND_DOMAIN);
    assert_string_equal(back->items[1].value, "a.example");
    for (size_t i = 0; i <= TIP_LOOKUP_MAX; i++)
        items[i].value = "192.0.2.7";
    lookup.n_items = TIP_LOOKUP_MAX + 1;
    assert_int_equal(tip_verdict_lookup_encode(&lookup, &buf), -EINVAL);
}

/* A field before it, a thousand and one of them: more than may be asked about is refused, not cut. */
static void test_verdict_lookup_has_bounds(void **state)
{
    static const uint8_t item[] = {0x0a, 0x03, 0x12, 0x01, 'x'};
    tip_auto(tip_call_free) struct tip_verdict_lookup *back = NULL;
    tip_auto(tip_buf_deinit) struct tip_buf buf;

    (void)state;
    tip_buf_init(&buf, TIP_CALL_BYTES_MAX);
    for (size_t i = 0; i < TIP_LOOKUP_MAX; i++)
        assert_int_equal(tip_buf_append(&buf, item, sizeof(item)), 0);
    assert_int_equal(tip_verdict_lookup_decode(buf.data, buf.len, &back), 0);
    tip_call_free(&back);
    assert_int_equal(tip_buf_append(&buf, item, sizeof(item)), 0);
    assert_int_equal(tip_verdict_lookup_decode(buf.data, buf.len, &back), TIP_EVENT_E_INVALID);
    assert_int_equal(tip_verdict_lookup_decode((const uint8_t *)"\xff\xff", 2, &back), TIP_EVENT_E_MALFORMED);
}

static void test_verdict_answer(void **state)
{
    struct tip_family_share share = {"list", 0.5};
    struct tip_verdict_reason reason = {"drop.v4", 0.5};
    struct tip_verdict verdict = {.kind = TIP_KIND_NET,
                                  .value = "192.0.0.0/16",
                                  .value_len = 12,
                                  .score = 0.5,
                                  .tier = TIP_TIER_WATCH,
                                  .n_families = 1,
                                  .families = &share,
                                  .n_reasons = 1,
                                  .reasons = &reason,
                                  .reason_count = 1};
    struct tip_verdict_found found[] = {
        {.unreadable = "", .score = 0.25, .inherited = true, .share = 0.5, .n_verdicts = 1, .verdicts = &verdict},
        {.unreadable = "", .allowed = true},
        {.unreadable = "leading_zero"}};
    struct tip_verdict_answer answer = {
        .n_found = 3, .found = found, .scored_unix_ms = 1767225600123, .built_unix_ms = 1767225600124};
    tip_auto(tip_call_free) struct tip_verdict_answer *back = NULL;
    tip_auto(tip_buf_deinit) struct tip_buf buf;

    (void)state;
    tip_buf_init(&buf, TIP_CALL_BYTES_MAX);
    assert_int_equal(tip_verdict_answer_encode(&answer, &buf), 0);
    assert_golden("verdict_answer", &buf);
    assert_int_equal(tip_verdict_answer_decode(buf.data, buf.len, &back), 0);
    assert_int_equal(back->n_found, 3);
    assert_true(back->found[0].inherited && back->found[1].allowed);
    assert_string_equal(back->found[0].verdicts[0].reasons[0].source, "drop.v4");
    assert_string_equal(back->found[2].unreadable, "leading_zero");
    assert_int_equal(back->built_unix_ms, 1767225600124);
    found[0].score = 1.5;
    assert_int_equal(tip_verdict_answer_encode(&answer, &buf), -EINVAL);
}

static struct tip_column columns_of_verdicts[] = {
    {"kind", TIP_COLUMN_TEXT}, {"value", TIP_COLUMN_TEXT}, {"score", TIP_COLUMN_REAL}, {"families", TIP_COLUMN_TEXT}};

/* A resolver that is listed, in a network that is listed: what was taken from its own score is taken from that, too. */
static void test_what_is_exempt_inherits_less(void **state)
{
    static const struct {
        const char *score, *families;
        double left, inherits;
        size_t from;
    } cases[] = {{"0.2", NULL, 1, 0.96, 1},
                 {"0.2", "no JSON", 1, 0.96, 1},
                 {"0.2", "[]", 1, 0.96, 1},
                 {"0.2", "{\"list\": 0.2}", 1, 0.96, 1},
                 {"1", "{\"list\": 0.2, \"deny\": 0.8}", 1, 1, 0},
                 {NULL, "{\"list\": 0.2, \"allow\": -0.2}", 1, 0.96, 1},
                 {"0", "{\"list\": 0.8, \"allow\": -0.8}", 0, 0, 2},
                 {"0.2", "{\"list\": 0.8, \"allow\": -0.6}", 0.25, 0.24, 1},
                 {"0.1", "{\"list\": 0.8, \"allow\": -0.7}", 0.125, 0.12, 1}};
    const char *cells[] = {"ip", "192.0.2.1", NULL, NULL, "net", "192.0.2.0/24", "0.96", NULL};
    struct tip_store_answer answer = {.n_columns = 4, .columns = columns_of_verdicts, .n_rows = 2, .cells = cells};

    (void)state;
    assert_float_equal(tip_store_left(NULL), 1, 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct tip_inherited is;
        double left, score;

        cells[2] = cases[i].score;
        cells[3] = cases[i].families;
        left = tip_store_left(&answer);
        assert_float_equal(left, cases[i].left, 1e-9);
        is = tip_store_inherited(&answer, left, TIP_KIND_IP, "192.0.2.1");
        assert_float_equal(is.score, cases[i].inherits, 1e-9);
        assert_int_equal(is.from, cases[i].from);
        if (is.from == 1)
            assert_float_equal(is.share, left, 1e-9);
        assert_float_equal(tip_store_share(&answer, 1, left, TIP_KIND_IP, "192.0.2.1", &score), left, 1e-9);
    }
}

static void test_who_is_allowed(void **state)
{
    struct tip_column columns[] = {{"rule", TIP_COLUMN_TEXT}};
    const char *cells[] = {"allow", "deny"};
    struct tip_store_answer answer = {.n_columns = 1, .columns = columns, .n_rows = 2, .cells = cells};

    (void)state;
    assert_false(tip_store_is_allowed(NULL));
    assert_true(tip_store_is_allowed(&answer));
    cells[0] = "deny";
    cells[1] = "allow";
    assert_false(tip_store_is_allowed(&answer));
    answer.n_rows = 0;
    assert_false(tip_store_is_allowed(&answer));
}

/* What verdict.lookup says of 192.0.2.1 is said of the rows of its search: a /20, whose share is 2^-0.5, and its own.
 */
static void test_what_was_looked_up_is_what_is_inherited(void **state)
{
    static const double wide = 0.70710678118654752;
    struct tip_verdict around = {.kind = TIP_KIND_NET, .value = "192.0.0.0/20", .score = 0.8};
    struct tip_verdict own = {.kind = TIP_KIND_IP, .value = "192.0.2.1", .score = 0.5};
    struct tip_verdict unlisted = {.kind = TIP_KIND_NET, .value = "192.0.2.0/24", .score = 1};
    struct tip_verdict gone = {.kind = TIP_KIND_IP, .value = "192.0.2.1", .score = 0};
    const struct {
        struct tip_verdict_found found;
        double score, share, left;
        size_t from;
        bool is_own;
    } cases[] = {
        {{.score = 0.8 * wide, .share = wide, .inherited = true, .n_verdicts = 1, .verdicts = &around},
         0.8 * wide,
         wide,
         1,
         1,
         false},
        {{.score = 0.2 * wide, .share = wide / 4, .inherited = true, .n_verdicts = 1, .verdicts = &around},
         0.2 * wide,
         wide / 4,
         0.25,
         1,
         false},
        {{.score = 0, .share = 0, .inherited = true, .n_verdicts = 1, .verdicts = &around}, 0, 0, 0, 1, false},
        {{.score = 0, .share = wide, .inherited = true, .allowed = true, .n_verdicts = 1, .verdicts = &around},
         0,
         0,
         0,
         2,
         false},
        {{.score = 0.5, .share = 1, .n_verdicts = 1, .verdicts = &own}, 0.5, 1, 7, 0, true},
        {{.score = 0, .share = 0, .n_verdicts = 1, .verdicts = &gone}, 0, 0, 7, 2, false},
        {{.score = 1, .share = 1, .inherited = true, .denied = true, .n_verdicts = 1, .verdicts = &unlisted},
         1,
         1,
         1,
         2,
         false},
        {{.score = 0}, 0, 0, 7, 2, false},
    };
    const char *cells[] = {"ip", "192.0.2.1", "0.5", NULL, "net", "192.0.0.0/20", "0.8", NULL};
    struct tip_store_answer answer = {.n_columns = 4, .columns = columns_of_verdicts, .n_rows = 2, .cells = cells};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        double left = 7;
        struct tip_inherited is = tip_store_found(&answer, &cases[i].found, TIP_KIND_IP, "192.0.2.1", &left);

        assert_float_equal(is.score, cases[i].score, 1e-9);
        assert_float_equal(is.share, cases[i].share, 1e-9);
        assert_float_equal(left, cases[i].left, 1e-9);
        assert_int_equal(is.from, cases[i].from);
        assert_int_equal(is.is_own, cases[i].is_own);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdict_lookup),
        cmocka_unit_test(test_verdict_lookup_has_bounds),
        cmocka_unit_test(test_verdict_answer),
        cmocka_unit_test(test_store_query),
        cmocka_unit_test(test_store_answer),
        cmocka_unit_test(test_store_answer_has_bounds),
        cmocka_unit_test(test_control),
        cmocka_unit_test(test_snapshot_request),
        cmocka_unit_test(test_snapshot_page),
        cmocka_unit_test(test_snapshot_page_has_bounds),
        cmocka_unit_test(test_snapshot_page_of_nothing),
        cmocka_unit_test(test_garbage_is_malformed),
        cmocka_unit_test(test_what_is_exempt_inherits_less),
        cmocka_unit_test(test_who_is_allowed),
        cmocka_unit_test(test_what_was_looked_up_is_what_is_inherited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
