// The machine room: services, the bus, the journal, the storage. Numbers as `tip status` shows them.
import type {Status} from "../../api/schema";
import {useApi} from "../../lib/useApi";
import {useNow} from "../../parts/Marks";
import {Show} from "../../parts/States";
import {Table} from "../../parts/Table";
import type {PageProps} from "../index";
import {ALARMS, CONSUMERS, DOORS, factsOf, PUBLISHERS, QUEUES, servicesAt, type Row} from "./columns";

function Facts({title, row}: {title: string; row: Row}) {
  const facts = factsOf(row);
  return (
    <section class="card">
      <h2>{title}</h2>
      {facts.length === 0 ? <p class="empty">Not known.</p> : (
        <dl class="facts">{facts.map(([name, value]) => <div class="fact"><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
      )}
    </section>
  );
}

function Insecure({status}: {status: Status}) {
  const names = status.services.filter((service) => service.insecure).map((service) => service.name);
  if (names.length === 0) return null;
  return (
    <p class="notice bad" role="alert">
      <strong>INSECURE</strong> The bus is plain tcp: whoever reaches it may publish and read everything. It says so: {names.join(", ")}.
      {" "}With keys this ends: <code>tip keys init</code>.
    </p>
  );
}

function Rooms({status}: {status: Status}) {
  const now = useNow();
  const name = (row: Row, index: number) => String(row.publisher ?? row.consumer ?? row.queue ?? row.endpoint ?? row.name ?? index);
  return (
    <>
      <Insecure status={status} />
      <section>
        <h2>Services</h2>
        <Table caption="Services" columns={servicesAt(now)} rows={status.services} rowKey={(row) => row.name}
          rowClass={(row) => (row.ready ? "" : "bad")} empty="No service has been heard. Is the broker there?" />
      </section>
      {status.alarms.length > 0 && (
        <section><h2>Alarms</h2><Table caption="Alarms" columns={ALARMS} rows={status.alarms} rowKey={name} rowClass={() => "bad"} empty="" /></section>
      )}
      <div class="pair"><Facts title="Journal" row={status.journal} /><Facts title="Storage" row={status.storage} /></div>
      <section><h2>Publishers</h2><Table caption="Publishers" columns={PUBLISHERS} rows={status.publishers} rowKey={name} empty="Nobody has published yet." /></section>
      <section><h2>Consumers</h2><Table caption="Consumers" columns={CONSUMERS} rows={status.consumers} rowKey={name} empty="Nobody reads durably." /></section>
      <section><h2>Queues</h2><Table caption="Queues" columns={QUEUES} rows={status.queues} rowKey={name} empty="No queue has a worker or a job." /></section>
      <section><h2>Doors of the feed</h2><Table caption="Doors of the feed" columns={DOORS} rows={status.doors} rowKey={name} empty="No door is open." /></section>
    </>
  );
}

export function SystemPage(_: PageProps) {
  const loaded = useApi<Status>("/api/v1/status", 2000);
  return <Show from={loaded}>{(status) => <Rooms status={status} />}</Show>;
}
