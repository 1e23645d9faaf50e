/**
 * A socket to a relay, as transactions see it: write chunks, await replies, each with a limit of time.
 *
 * The rule: "handed over" means that the kernel has taken the last octet. Until then the relay cannot have seen
 * the final dot, and the message is known not to be sent.
 *
 * @module
 */
import type { Socket } from 'node:net';
import { parseReply, type Reply } from '@adieu/core';
import { openReplyLines } from './reply-lines.ts';

/** Octets passed to one write: each is waited for by itself (RFC 5321 section 4.5.3.2.5). */
const BLOCK = 256 * 1024;

/** Replies that may wait to be read: more than one write ever asks for. */
const AHEAD = 16;

/** Why a wire is down. */
export type WireEnd = 'lost' | 'timeout' | 'protocol' | 'ours';

/** An open socket. Nothing here rejects: a wire that is down answers `null` and `false`. */
export interface Wire {
  /**
   * Writes in order, as one segment train.
   *
   * @param blockTimeoutMs for each {@link BLOCK}
   * @returns true when the kernel took everything
   */
  write(chunks: readonly Buffer[], blockTimeoutMs: number): Promise<boolean>;
  /**
   * The next reply, also one that came before it was asked for; null when none comes, in which case the wire is
   * down.
   */
  reply(timeoutMs: number): Promise<Reply | null>;
  /** A reply that came unasked, if any. */
  unasked(): Reply | null;
  /** Resolves once, when the wire is down. */
  readonly down: Promise<WireEnd>;
  isDown(): boolean;
  /** Closes our side, and the socket soon after. */
  end(): void;
  /** Cuts the connection. */
  cut(): void;
}

/** Takes over an open socket that nobody else listens to. `onUnasked` runs when a reply comes that nobody awaits. */
export function openWire(socket: Socket, onUnasked: () => void): Wire {
  const replies: Reply[] = [];
  let waiter: ((reply: Reply | null) => void) | null = null;
  let end: WireEnd | null = null;
  let resolveDown: (end: WireEnd) => void = () => {};
  const down = new Promise<WireEnd>((resolve) => {
    resolveDown = resolve;
  });

  function goDown(why: WireEnd): void {
    if (end !== null) return;
    end = why;
    socket.destroy();
    waiter?.(null);
    resolveDown(why);
  }

  const lines = openReplyLines((raw) => {
    const reply = parseReply(raw);
    if (reply === null) return goDown('protocol');
    if (waiter !== null) return waiter(reply);
    if (replies.push(reply) > AHEAD) return goDown('protocol');
    onUnasked();
  });

  socket.on('data', (chunk: Buffer) => {
    if (!lines.feed(chunk)) goDown('protocol');
  });
  socket.on('error', () => goDown('lost'));
  socket.on('close', () => goDown('lost'));
  // The relay has said all it will: what is awaited will not come.
  socket.on('end', () => goDown('lost'));
  socket.resume();

  function writeBlock(chunks: readonly Buffer[], timeoutMs: number): Promise<boolean> {
    return new Promise((resolve) => {
      if (end !== null) return resolve(false);
      const timer = setTimeout(() => {
        goDown('timeout');
        resolve(false);
      }, timeoutMs);
      socket.cork();
      for (const [index, chunk] of chunks.entries()) {
        if (index < chunks.length - 1) socket.write(chunk);
        else
          socket.write(chunk, (error) => {
            clearTimeout(timer);
            resolve(error === undefined || error === null);
          });
      }
      socket.uncork();
    });
  }

  return {
    down,
    isDown: () => end !== null,
    async write(chunks, blockTimeoutMs) {
      for (const block of blocks(chunks)) {
        if (!(await writeBlock(block, blockTimeoutMs))) return false;
      }
      return true;
    },
    reply(timeoutMs) {
      const early = replies.shift();
      if (early !== undefined) return Promise.resolve(early);
      if (end !== null) return Promise.resolve(null);
      return new Promise((resolve) => {
        const timer = setTimeout(() => goDown('timeout'), timeoutMs);
        waiter = (reply) => {
          clearTimeout(timer);
          waiter = null;
          resolve(reply);
        };
      });
    },
    unasked: () => replies[0] ?? null,
    end() {
      if (end !== null) return;
      socket.end();
      // A relay that never closes its side must not keep the process.
      setTimeout(() => goDown('ours'), 1000).unref();
    },
    cut: () => goDown('ours'),
  };
}

/** Splits chunks into groups of at most one block; a chunk larger than a block is cut. */
function* blocks(chunks: readonly Buffer[]): Generator<Buffer[]> {
  let block: Buffer[] = [];
  let octets = 0;
  for (const chunk of chunks) {
    for (let start = 0; start < chunk.length; start += BLOCK) {
      const piece = chunk.length <= BLOCK ? chunk : chunk.subarray(start, start + BLOCK);
      if (octets > 0 && octets + piece.length > BLOCK) {
        yield block;
        block = [];
        octets = 0;
      }
      block.push(piece);
      octets += piece.length;
    }
  }
  if (block.length > 0) yield block;
}
