import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { Feed } from "../src/lib/feed.ts";

const MESSAGE = JSON.stringify({ type: "metrics_update", timestamp: "2023-11-14T22:13:20.123Z" });
const BASE = new URL("https://sakshi.example.com/monitor/");

function startFeed() {
  const told = [];
  const sockets = [];
  const handler = {
    onMessage: (message, isFirst) => told.push([message.type, isFirst]),
    onConnection: (connection) => told.push(connection),
    intervalSeconds: () => 5,
  };
  const connect = (url) => {
    const socket = { url: String(url), close: () => {} };
    sockets.push(socket);
    return socket;
  };
  const feed = new Feed(BASE, handler, connect);
  feed.start();
  return { feed, told, sockets };
}

function withClock(law) {
  return () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    try {
      law();
    } finally {
      mock.timers.reset();
    }
  };
}

test("the feed lies beside the page, over TLS where the page does", withClock(() => {
  assert.equal(startFeed().sockets[0].url, "wss://sakshi.example.com/monitor/ws");
}));

test("it is live with its first message, and says of each whether it is the first", withClock(() => {
  const { told, sockets } = startFeed();

  sockets[0].onmessage({ data: MESSAGE });
  sockets[0].onmessage({ data: MESSAGE });

  assert.deepEqual(told, ["live", ["metrics_update", true], ["metrics_update", false]]);
}));

test("what is no message, or of an unknown type, is passed over", withClock(() => {
  const { told, sockets } = startFeed();

  for (const data of ["{", "null", "[]", '{"type": "other"}', new ArrayBuffer(1)]) sockets[0].onmessage({ data });

  assert.deepEqual(told, []);
}));

test("a lost connection is opened again, and its first message is a first one", withClock(() => {
  const { told, sockets } = startFeed();
  sockets[0].onmessage({ data: MESSAGE });

  sockets[0].onclose();
  mock.timers.tick(500);
  sockets[1].onmessage({ data: MESSAGE });

  assert.deepEqual(told.slice(2), ["reconnecting", "live", ["metrics_update", true]]);
}));

test("delays grow to five seconds and no further", withClock(() => {
  const { sockets } = startFeed();

  for (let count = 1; count <= 12; count += 1) {
    sockets.at(-1).onclose();
    mock.timers.tick(5000);
    assert.equal(sockets.length, count + 1);
  }
  sockets.at(-1).onclose();
  mock.timers.tick(2400); // at least half of five seconds

  assert.equal(sockets.length, 13);
}));

test("a delay ends early when the feed is hurried; a connection is left alone", withClock(() => {
  const { feed, sockets } = startFeed();
  feed.hurry();
  assert.equal(sockets.length, 1);

  sockets[0].onclose();
  feed.hurry();
  mock.timers.tick(5000);

  assert.equal(sockets.length, 2);
}));

test("a connection that falls silent is given up, and what it says later is not heard", withClock(() => {
  const { told, sockets } = startFeed();
  sockets[0].onmessage({ data: MESSAGE });

  mock.timers.tick(19_999);
  assert.equal(told.at(-1)[0], "metrics_update");
  mock.timers.tick(1);
  sockets[0].onmessage({ data: MESSAGE });

  assert.equal(told.at(-1), "reconnecting");
}));
