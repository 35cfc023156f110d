// A small CRM client for Node 18 or newer, without packages: reads the events of one campaign as a reader of its own,
// and writes only what it is asked to.
//
//     dialer crm set --format json                   # once: the events are JSON for everybody
//     dialer crm register crm-example                # once: events stay until this reader has them
//     node docs/crm_client.mjs 127.0.0.1:6379 spring                      // follow, until interrupted
//     node docs/crm_client.mjs 127.0.0.1:6379 spring --once               // read what there is, and end
//     node docs/crm_client.mjs 127.0.0.1:6379 spring --add leads.json
//     node docs/crm_client.mjs 127.0.0.1:6379 spring --query L1           // ask how a lead stands, wait for the answer
//
// A CRM with streams of its own: DIALER_CRM=north; with a user of its own: REDIS_USER and REDIS_PASSWORD in the environment.
// A real CRM keeps the events that it has dealt with in its database, where `heard` is a set here.

import { readFileSync } from "node:fs";
import { createConnection } from "node:net";

const { DIALER_CRM, REDIS_USER, REDIS_PASSWORD } = process.env;
const ofCrm = (stream) => (DIALER_CRM ? `${stream}:${DIALER_CRM}` : stream);
const EVENTS = ["dialer:crm:out", "dialer:crm:live"].map(ofCrm); // what must not be missed, and what is now
const REQUESTS = ofCrm("dialer:crm:in");
const READER = "crm-example";
const QUEUE_LIMIT = 100_000;
const ANSWER_LIMIT_MS = 10_000;

// --- Redis: commands out, replies in, in order ------------------------------------------------------------------------

class Redis {
  constructor(host, port) {
    this.waiting = [];
    this.rest = Buffer.alloc(0);
    this.socket = createConnection({ host, port });
    this.socket.on("data", (bytes) => this.take(bytes));
    this.socket.on("error", (error) => this.fail(error));
    this.socket.on("close", () => this.fail(new Error("Redis has closed the connection")));
  }

  send(...words) {
    const parts = words.map((word) => Buffer.from(String(word)));
    this.socket.write(`*${parts.length}\r\n`);
    for (const part of parts) this.socket.write(Buffer.concat([Buffer.from(`$${part.length}\r\n`), part, Buffer.from("\r\n")]));
    return new Promise((resolve, reject) => this.waiting.push({ resolve, reject }));
  }

  take(bytes) {
    this.rest = Buffer.concat([this.rest, bytes]);
    for (let reply; (reply = parse(this.rest, 0)); ) {
      this.rest = this.rest.subarray(reply.end);
      const { resolve, reject } = this.waiting.shift();
      reply.value instanceof Error ? reject(reply.value) : resolve(reply.value);
    }
  }

  fail(error) {
    for (const { reject } of this.waiting.splice(0)) reject(error);
  }

  close() {
    this.socket.end();
  }
}

// One reply of the protocol (RESP2) that begins at `at`, and where it ends; null while it is not all there.
function parse(bytes, at) {
  const line = bytes.indexOf("\r\n", at);
  if (line < 0) return null;
  const kind = String.fromCharCode(bytes[at]);
  const text = bytes.toString("utf8", at + 1, line);
  const next = line + 2;
  if (kind === "+") return { value: text, end: next };
  if (kind === "-") return { value: new Error(text), end: next };
  if (kind === ":") return { value: Number(text), end: next };
  const length = Number(text);
  if (length < 0) return { value: null, end: next };
  if (kind === "$") {
    const end = next + length + 2;
    return bytes.length < end ? null : { value: bytes.toString("utf8", next, next + length), end };
  }
  const items = [];
  let end = next;
  for (let i = 0; i < length; i++) {
    const item = parse(bytes, end);
    if (!item) return null;
    items.push(item.value);
    end = item.end;
  }
  return { value: items, end };
}

// --- reading ----------------------------------------------------------------------------------------------------------

// Whether the reader's group is there: `dialer crm register` makes it, and this program does not.
async function isRegistered(redis, reader) {
  const groups = await redis.send("XINFO", "GROUPS", EVENTS[0]).catch(() => []); // nothing has happened yet
  return groups.some((group) => group[group.indexOf("name") + 1] === reader);
}

// What there is to read, not acknowledged. What this consumer read before and did not acknowledge comes first.
async function* events(redis, reader, blockMs) {
  for (const start of ["0", ">"]) {
    const words = ["COUNT", 100, "BLOCK", blockMs, "STREAMS", ...EVENTS, ...EVENTS.map(() => start)];
    const replies = (await redis.send("XREADGROUP", "GROUP", reader, "worker-1", ...words)) ?? [];
    for (const [stream, entries] of replies)
      for (const [entryId, flat] of entries) {
        if (!flat) {
          await redis.send("XACK", stream, reader, entryId); // it was deleted meanwhile
          continue;
        }
        const fields = {};
        for (let i = 0; i < flat.length; i += 2) fields[flat[i]] = flat[i + 1];
        if (!fields.data.startsWith("{")) throw new Error("events are msgpack here: dialer crm set --format json");
        yield { stream, entryId, kind: fields.type, id: fields.id, data: JSON.parse(fields.data) };
      }
  }
}

// Deal with what there is to read, once each, and only then acknowledge it; how many events of the campaign were new.
async function follow(redis, reader, campaign, heard, blockMs, dealWith) {
  let fresh = 0;
  for await (const event of events(redis, reader, blockMs)) {
    const key = `${event.kind} ${event.id}`;
    if (event.data.campaign === campaign && !heard.has(key)) {
      dealWith(event);
      heard.add(key);
      fresh += 1;
    }
    await redis.send("XACK", event.stream, reader, event.entryId);
  }
  return fresh;
}

function show({ kind, id, data }) {
  console.log([kind, id, data.lead_id, data.disposition ?? data.state, data.agent].filter(Boolean).join(" "));
}

// --- writing, when asked ----------------------------------------------------------------------------------------------

// Add leads until the stream is full; how many were added.
async function addLeads(redis, campaign, leads) {
  const stream = `dialer:{${campaign}}:leads`; // the braces are part of the key
  const room = Math.max(0, QUEUE_LIMIT - (await redis.send("XLEN", stream)));
  for (const lead of leads.slice(0, room)) await redis.send("XADD", stream, "*", "json", JSON.stringify(lead));
  return Math.min(room, leads.length);
}

// Ask how a lead stands; the answer is known by the `ref` that it brings back.
async function query(redis, reader, campaign, leadId, heard) {
  const ref = `query-${process.pid}-${leadId}`.slice(0, 64);
  const request = { type: "query", campaign, lead_id: leadId, ref };
  await redis.send("XADD", REQUESTS, "*", "json", JSON.stringify(request));
  let answer = null;
  const until = Date.now() + ANSWER_LIMIT_MS;
  while (!answer && Date.now() < until)
    await follow(redis, reader, campaign, heard, 100, (event) => {
      if (event.data.ref === ref) answer = event;
    });
  return answer;
}

async function main([where, campaign, what, argument]) {
  if (!campaign) throw new Error("usage: crm_client.mjs HOST:PORT CAMPAIGN [--once | --add FILE | --query LEAD]");
  const [host, port] = where.split(":");
  const redis = new Redis(host, Number(port ?? 6379));
  try {
    if (REDIS_USER) await redis.send("AUTH", REDIS_USER, REDIS_PASSWORD ?? "");
    if (what === "--add") {
      console.log(`${await addLeads(redis, campaign, JSON.parse(readFileSync(argument, "utf8")))} leads added`);
      return;
    }
    if (!(await isRegistered(redis, READER)))
      throw new Error(`${READER} is no registered reader: dialer crm register ${READER}`);
    const heard = new Set();
    if (what === "--query") {
      const answer = await query(redis, READER, campaign, argument, heard);
      if (!answer) throw new Error(`no answer within ${ANSWER_LIMIT_MS / 1000} s: does a daemon run?`);
      show(answer);
      return;
    }
    const once = what === "--once";
    while ((await follow(redis, READER, campaign, heard, once ? 10 : 1000, show)) || !once);
  } finally {
    redis.close();
  }
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
