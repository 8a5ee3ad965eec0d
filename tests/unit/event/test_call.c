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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_query),
        cmocka_unit_test(test_store_answer),
        cmocka_unit_test(test_store_answer_has_bounds),
        cmocka_unit_test(test_control),
        cmocka_unit_test(test_garbage_is_malformed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
