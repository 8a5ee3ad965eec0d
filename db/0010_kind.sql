-- Autonomous systems, hashes and e-mail domains are indicators, too.

create or replace function tip.kind_name(kind smallint) returns text
    language sql immutable parallel safe
as $$
    select (array['ip', 'net', 'domain', 'url', 'endpoint', 'asn', 'hash', 'email_domain'])[kind]
$$;
