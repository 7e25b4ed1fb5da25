/**
 * The live feed: one WebSocket, opened again whenever it ends.
 *
 *     connecting ──first message──▶ live ──closed, or silent too long──▶ reconnecting ─┐
 *                                    ▲                                                 │
 *                                    └───────── first message ◀── after a delay ◀──────┘
 *
 * A delay doubles from 0.5 s to 5 s, less a random part so that many pages do not come back at
 * once; it ends early when the browser comes online or the tab is looked at again. A connection that
 * is silent for SILENCE_INTERVALS of sakshi's own interval is dead whatever TCP says.
 */
import { type Message, readMessage } from "./contract.ts";

export type Connection = "connecting" | "live" | "reconnecting";

export interface FeedHandler {
  /** A message came; `isFirst` of this connection: everything before it may be out of date. */
  onMessage(message: Message, isFirst: boolean): void;
  onConnection(connection: Connection): void;
  /** How long sakshi lets pass between two messages, as far as is known: seconds. */
  intervalSeconds(): number;
}

const DELAY_FIRST_MS = 500;
const DELAY_MAX_MS = 5000;
const SILENCE_INTERVALS = 4;
const SILENCE_MIN_MS = 10_000;

export class Feed {
  readonly #url: URL;
  readonly #handler: FeedHandler;
  readonly #connect: (url: URL) => WebSocket;
  #socket: WebSocket | null = null;
  #failures = 0;
  #hasMessage = false;
  #retryTimer: ReturnType<typeof setTimeout> | undefined;
  #silenceTimer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param base the page's own folder; the feed is `ws` in it.
   * @param connect opens a WebSocket.
   */
  constructor(base: URL, handler: FeedHandler, connect = (url: URL) => new WebSocket(url)) {
    this.#url = new URL("ws", base);
    this.#url.protocol = base.protocol === "https:" ? "wss:" : "ws:";
    this.#handler = handler;
    this.#connect = connect;
  }

  /** Connect, and stay connected as long as the page lives. */
  start(): void {
    this.#open();
  }

  /** Try again at once, if a delay is running: there is reason to believe that it works now. */
  hurry(): void {
    if (this.#retryTimer === undefined) return;
    clearTimeout(this.#retryTimer);
    this.#failures = 0;
    this.#open();
  }

  #open(): void {
    this.#retryTimer = undefined;
    this.#hasMessage = false;
    const socket = this.#connect(this.#url);
    this.#socket = socket;
    socket.onmessage = (event: MessageEvent<unknown>) => {
      if (socket === this.#socket && typeof event.data === "string") this.#read(event.data);
    };
    socket.onclose = () => {
      if (socket === this.#socket) this.#lose();
    };
    this.#expect();
  }

  #read(text: string): void {
    this.#expect();
    const message = readMessage(text);
    if (message === null) return;
    const isFirst = !this.#hasMessage;
    this.#hasMessage = true;
    this.#failures = 0;
    if (isFirst) this.#handler.onConnection("live");
    this.#handler.onMessage(message, isFirst);
  }

  /** Take the connection for dead unless it says something soon. */
  #expect(): void {
    clearTimeout(this.#silenceTimer);
    const silence = this.#handler.intervalSeconds() * 1000 * SILENCE_INTERVALS;
    this.#silenceTimer = setTimeout(() => this.#lose(), Math.max(SILENCE_MIN_MS, silence));
  }

  #lose(): void {
    clearTimeout(this.#silenceTimer);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    this.#handler.onConnection("reconnecting");
    const delay = Math.min(DELAY_MAX_MS, DELAY_FIRST_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#retryTimer = setTimeout(() => this.#open(), delay * (0.5 + Math.random() / 2));
  }
}
