#!/bin/sh
# tip-init secrets|database: what must be there before the services start. Safe to repeat: it adds what is missing.
set -eu
secrets=/var/lib/tip/secrets

# Read by PostgreSQL's container and the one-shot alone: the volume is theirs.
secret() {
    [ -s "$secrets/$1" ] && return
    od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$secrets/.$1"
    chmod 0444 "$secrets/.$1"
    mv "$secrets/.$1" "$secrets/$1"
}

case "$1" in
secrets)
    chmod 0755 "$secrets"
    secret postgres
    secret storage
    cp -pf "$secrets/storage" /var/lib/tip/secret-of-storage/storage
    tip keys init
    for service in scheduler blacklist storage web; do # each sees its own secret alone
        (cd /var/lib/tip/keys && cp -p broker.cert "$service.cert" "$service.cert_secret" "/var/lib/tip/keys-of/$service/")
    done
    ;;
database)
    TIP__STORAGE__DATABASE="host=postgres dbname=tip user=postgres" TIP__STORAGE__PASSWORD_FILE="$secrets/postgres" \
        tip-storage migrate
    # the service owns nothing, and deletes nothing
    PGPASSWORD=$(cat "$secrets/postgres") psql -h postgres -U postgres -d tip -q -v ON_ERROR_STOP=1 <<'SQL'
\set password `cat /var/lib/tip/secrets/storage`
select 'create role tip_service login' where not exists (select from pg_roles where rolname = 'tip_service') \gexec
alter role tip_service password :'password';
grant tip_storage, tip_reader, tip_maintenance to tip_service;
SQL
    ;;
*)
    echo "tip-init: secrets or database, not '$1'" >&2
    exit 2
    ;;
esac
