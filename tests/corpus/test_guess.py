"""Real lists, guessed by `tip source new` from their first version, read what an independent recount reads."""
import pytest
import yaml

from test_corpus import LISTS, body_of, recount
from tip_chain import Chain


@pytest.fixture(scope="module")
def guessed():
    """{name: (file, rows)}: the file that was guessed, and what the source of that file then lists."""
    import tip_harness

    site = tip_harness.Site()
    chain = Chain(site, blacklist={"new_allow_private": ["127.0.0.0/8"]})
    files = {}
    try:
        chain.start()
        for name, made in LISTS.items():
            chain.serve(name, body_of(made.files[0]))
            answer = chain.caller.control("blacklist", "new", chain.nginx.url(f"lists/{name}"), params={"name": name})
            assert answer.values["ok"] == "true", (name, answer)
            files[name] = "\n".join(yaml.safe_load(answer.values["file"]))
            (chain.sources_dir / f"{name}.yaml").write_text(files[name] + "\nweight: 0.5\n")
        chain.blacklist.reload()
        chain.run(deadline_s=300)
        yield {name: (files[name], chain.listed(name)) for name in LISTS}
    except BaseException:
        print(site.logs())
        raise
    finally:
        site.close()


@pytest.mark.parametrize("name", LISTS)
def test_what_is_guessed_reads_it(guessed, name):
    made = LISTS[name]
    file, found = guessed[name]
    wanted = recount(made, made.files[0])
    assert found == wanted, (f"{made.files[0]}: {len(found)} rows, {len(wanted)} recounted; missing "
                             f"{sorted(wanted - found)[:5]}, too many {sorted(found - wanted)[:5]}\n{file}")
