// Follows whole classes of TIP's events and misses none: live from the feed, what the feed lost from the journal.
//
//     npm ci --ignore-scripts        (zeromq 6 brings its library along; nothing is compiled or downloaded besides)
//     node follow.js --state position.json --proto ../../../proto listing. verdict. >>events.ndjson
//
// One JSON line an event; {"gap": ...} where the journal itself has lost something. At least once: after a kill the
// last second comes again, with the same ids. How it works: docs/consumers.md; ../follow.py is the same in Python.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const {setTimeout} = require('node:timers/promises');
const {parseArgs} = require('node:util');
const protobuf = require('protobufjs');
const zmq = require('zeromq');

const HEAD = 'v1.bus.head.';
const ANSWER_MS = 5000;
const REFUSED_MS = 1000;
const SILENCE_MS = 10000; // the head comes each second; without it the connection is dead, and nobody else would say so

const {values: options, positionals} = parseArgs({
    allowPositionals: true,
    options: {
        state: {type: 'string'},
        proto: {type: 'string', default: path.join(__dirname, '../../../proto')},
        feed: {type: 'string', default: 'tcp://127.0.0.1:5571'},
        fetch: {type: 'string', default: 'tcp://127.0.0.1:5552'},
        secret: {type: 'string'}, // NAME.cert_secret, made by `tip keys add`
        server: {type: 'string'}, // broker.cert
    },
});
if (!options.state || !positionals.length) {
    console.error('node follow.js --state FILE [--feed ENDPOINT] [--fetch ENDPOINT] listing. verdict.');
    process.exit(2);
}

const root = new protobuf.Root();
root.resolvePath = (_, target) => path.join(options.proto, target);
root.loadSync(['bus', 'record', 'event'].map((name) => `tip/v1/${name}.proto`));
const {Frame, Record, Event} = root.lookup('tip.v1');
const plain = {longs: String, enums: String, bytes: String}; // bytes: base64, but for the id
const hex = (bytes) => Buffer.from(bytes).toString('hex');
const big = (long) => BigInt(String(long)); // 64 bit: seq and its kin are BigInt here, everywhere

// A czmq certificate: lines of `public-key = "..."`.
function certificate(file) {
    const text = fs.readFileSync(file, 'utf8');
    return (name) => new RegExp(`${name} = "(.{40})"`).exec(text)?.[1];
}

function curve() {
    if (!options.secret)
        return {};
    const own = certificate(options.secret);
    return {
        curvePublicKey: own('public-key'),
        curveSecretKey: own('secret-key'),
        curveServerKey: certificate(options.server)('public-key'),
    };
}

const topics = positionals.map((topic) => `v1.${topic}`);
let feed;
const door = new zmq.Dealer({linger: 0, receiveTimeout: ANSWER_MS, ...curve()});

let journal = ''; // hex
let safe = 0n;    // everything before it in this journal is printed; 0: from the first one
let seen = new Set(); // seq of what is printed from `safe` on
let counts = new Map(); // "class/tlp" -> class_seq up to which nothing is missing
let request = 0;
let lines = []; // printed, not yet handed out

const count = (key) => counts.get(key) ?? 0n;
const keyOf = (stamp) => `${stamp.topic.split('.')[1]}/${stamp.tlp}`;

// Prints a record once; its counter says up to where its class is complete.
function deliver(record) {
    const {stamp} = record;
    const key = keyOf(stamp), seq = big(stamp.seq);
    if (big(stamp.classSeq) > count(key))
        counts.set(key, big(stamp.classSeq));
    if (seq < safe || seen.has(seq))
        return;
    seen.add(seq);
    const event = Event.decode(record.event);
    lines.push(JSON.stringify({...Event.toObject(event, plain), id: hex(event.id), seq: String(seq)}));
}

// Everything before `next` is printed: remembers that, once it is out of our hands.
function settle(next) {
    safe = next;
    for (const seq of seen)
        if (seq < safe)
            seen.delete(seq);
    const text = Buffer.from(lines.map((line) => line + '\n').join(''));
    for (let at = 0; at < text.length;)
        at += fs.writeSync(1, text, at);
    lines = [];
    const fd = fs.openSync(options.state + '.new', 'w');
    fs.writeSync(fd, JSON.stringify({journal_id: journal, next_seq: String(safe)}));
    fs.fsyncSync(fd);
    fs.closeSync(fd);
    fs.renameSync(options.state + '.new', options.state);
}

// ---- the journal

const send = (frame) => door.send(Buffer.from(Frame.encode(frame).finish()));

// Null when nothing came in the time of the socket.
async function receive(socket) {
    try {
        return await socket.receive();
    } catch (error) {
        if (error.code === 'EAGAIN')
            return null;
        throw error;
    }
}

// One FETCH from `safe`; repeated until it is answered, whatever happens to the broker.
async function ask() {
    for (;;) {
        request++;
        await send({fetch: {journalId: Buffer.from(journal, 'hex'), fromSeq: protobuf.util.Long.fromString(String(safe)),
                            prefixes: topics, request}});
        for (let parts; (parts = await receive(door));) {
            const frame = Frame.decode(parts[0]);
            const name = frame.body, answer = frame[name];
            if (name === 'refused' && answer.fatal)
                throw new Error(`refused: ${answer.reason}`);
            if (name === 'refused') { // for now: too many connections of this key, say
                console.error(`refused: ${answer.reason}`);
                await setTimeout(REFUSED_MS);
                break;
            }
            if (name === 'ping')
                await send({pong: {nonce: answer.nonce}});
            else if (name !== 'pong' && Number(answer.request) === request)
                return {name, answer, body: parts[1]};
        }
    }
}

function deliverBatch(answer, body) {
    for (let i = 0, at = 0; i < answer.n; i++) {
        const size = body.readUInt32LE(at);
        deliver(Record.decode(body.subarray(at + 4, at + 4 + size)));
        at += 4 + size;
    }
    journal = hex(answer.journalId);
    settle(big(answer.nextSeq));
    return big(answer.nextSeq) > big(answer.headSeq);
}

// Fetches from `safe` to the head of the journal; says what the journal has lost.
async function repair() {
    for (;;) {
        const {name, answer, body} = await ask();
        if (name === 'batch') {
            if (deliverBatch(answer, body))
                return;
            continue;
        }
        const next = name === 'damaged' ? big(answer.toSeq) + 1n : big(answer.firstAvailable);
        const reason = name === 'newJournal' ? 'new_journal' : name;
        lines.push(JSON.stringify({gap: {reason, from_seq: String(safe), next_seq: String(next),
                                         journal: hex(answer.journalId)}}));
        if (name === 'newJournal')
            [seen, counts] = [new Set(), new Map()];
        journal = hex(answer.journalId);
        settle(next);
    }
}

function missing(what) {
    console.error(`missing ${what}: fetching from ${safe}`);
    return repair();
}

// ---- the feed

// Each second: how far every class has come. So a loss at the tail is seen too.
async function onHead(head) {
    if (hex(head.journalId) !== journal)
        await missing('a journal');
    const classes = head.classes
        .filter(({className}) => topics.some((topic) => topic.startsWith(`v1.${className}.`) || topic === 'v1.'))
        .map(({className, tlp, classSeq}) => [`${className}/${tlp}`, big(classSeq)]);
    const headSeq = big(head.headSeq);
    const behind = classes.filter(([key, classSeq]) => classSeq > count(key)).map(([key]) => key);
    if (behind.length && headSeq >= safe)
        await missing(behind);
    if (hex(head.journalId) !== journal)
        return;
    for (const [key, classSeq] of classes)
        if (classSeq > count(key))
            counts.set(key, classSeq);
    if (headSeq >= safe)
        settle(headSeq + 1n);
}

async function onRecord(record) {
    const {stamp} = record;
    const key = keyOf(stamp), classSeq = big(stamp.classSeq), isOurs = hex(stamp.journalId) === journal;
    if (big(stamp.seq) === 0n)
        return; // live only: a heartbeat
    if (isOurs && classSeq <= count(key))
        return; // fetched before it came
    if (!isOurs || classSeq !== count(key) + 1n)
        await missing(key);
    else
        deliver(record);
}

function subscribe() {
    feed?.close();
    feed = new zmq.Subscriber({linger: 0, receiveTimeout: SILENCE_MS, ...curve()});
    for (const topic of [...topics, HEAD])
        feed.subscribe(topic);
    feed.connect(options.feed);
}

async function main() {
    if (fs.existsSync(options.state)) {
        const stored = JSON.parse(fs.readFileSync(options.state, 'utf8'));
        [journal, safe] = [stored.journal_id, BigInt(stored.next_seq)];
        lines.push(''); // a line that a kill has torn ends here; it comes again whole
    }
    subscribe();
    door.connect(options.fetch);
    await repair();
    for (;;) {
        const parts = await receive(feed);
        if (!parts) {
            subscribe();
            await missing('any sign of life, connected anew');
            continue;
        }
        const [topic, body] = parts;
        const record = Record.decode(body);
        if (topic.toString() === HEAD)
            await onHead(Event.decode(record.event).busHead);
        else
            await onRecord(record);
    }
}

main().catch((error) => {
    if (error.code === 'EPIPE')
        process.exit(0); // whoever read us has gone
    console.error(error.message);
    process.exit(1);
});
