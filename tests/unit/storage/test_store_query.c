#include "check.h"

#include <stdio.h>
#include <string.h>

#include "query.h"

/* The table and db/queries name the same queries, and the last $ of each text is its limit. */
static void test_query_has_its_text(void **state)
{
    static const int n_sql[] = {
        [STORE_PARAM_NONE] = 0,     [STORE_PARAM_TEXT] = 1, [STORE_PARAM_OPTIONAL] = 1, [STORE_PARAM_INDICATOR] = 3,
        [STORE_PARAM_QUESTION] = 8, [STORE_PARAM_LAG] = 1,  [STORE_PARAM_AUDIENCE] = 1, [STORE_PARAM_TIME] = 1};

    (void)state;
    for (size_t i = 0; i < store_queries_n; i++) {
        const struct store_query *query = &store_queries[i];
        const char *sql = store_query_sql(query);
        char limit[16];
        int n = 1;

        assert_non_null(sql);
        for (size_t j = 0; j < STORE_QUERY_PARAMS_MAX && query->params[j].type != STORE_PARAM_NONE; j++)
            n += n_sql[query->params[j].type];
        snprintf(limit, sizeof(limit), "limit $%d", n);
        if (!strstr(sql, limit))
            fail_msg("%s has no %s", query->name, limit);
        assert_true(query->limit > 0 && query->limit <= TIP_CALL_ROWS_MAX);
        assert_true(store_query_n_columns(query) > 0);
        assert_ptr_equal(store_query_find(query->name), query);
    }
    assert_null(store_query_find("drop table"));
}

static void test_query_knows_its_parameters(void **state)
{
    (void)state;
    assert_true(store_query_takes(store_query_find("search"), "value"));
    assert_true(store_query_takes(store_query_find("search"), "kind"));
    assert_false(store_query_takes(store_query_find("sources"), "kind"));
    assert_false(store_query_takes(store_query_find("status"), ""));
    assert_true(store_query_takes(store_query_find("listed"), "after"));
    assert_true(store_query_takes(store_query_find("verdicts"), "audience"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_query_has_its_text),
        cmocka_unit_test(test_query_knows_its_parameters),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
