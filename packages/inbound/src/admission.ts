/**
 * Who may connect: caps on open connections, in total and per address, and on messages per address and minute.
 *
 * The caps protect the other callers, so they are counted until a socket is really gone, not until it was
 * told to go. An IPv6 caller counts as its /64, of which anybody owns one. RFC 5321 §4.5.4.2 leaves this to us.
 *
 * @module
 */

/** Either admitted, with the way to give the place back, or the reason for 421. */
export type Admitted =
  | {
      readonly ok: true;
      /** More than half of all places are taken: whoever comes now should be quick. */
      readonly crowded: boolean;
      readonly leave: () => void;
    }
  | { readonly ok: false; readonly full: 'total' | 'address' };

export interface Admission {
  enter(remoteAddress: string): Admitted;
  /** Counts one message; false when this caller had its share of the minute. */
  message(remoteAddress: string): boolean;
  open(): number;
}

export interface AdmissionOptions {
  readonly maxPerIp: number;
  readonly maxConnections: number;
  readonly messagesPerMinute: number;
  /** Monotonic milliseconds. */
  readonly now?: () => number;
}

export function openAdmission(options: AdmissionOptions): Admission {
  const { now = () => performance.now() } = options;
  const connections = new Map<string, number>();
  let open = 0;
  let messages = new Map<string, number>();
  let minute = now();

  function enter(remoteAddress: string): Admitted {
    if (open >= options.maxConnections) return { ok: false, full: 'total' };
    const caller = callerOf(remoteAddress);
    const held = connections.get(caller) ?? 0;
    if (held >= options.maxPerIp) return { ok: false, full: 'address' };
    connections.set(caller, held + 1);
    open += 1;
    let inside = true;
    return {
      ok: true,
      crowded: open > options.maxConnections / 2,
      leave: () => {
        if (!inside) return;
        inside = false;
        open -= 1;
        const left = (connections.get(caller) ?? 1) - 1;
        if (left > 0) connections.set(caller, left);
        else connections.delete(caller);
      },
    };
  }

  function message(remoteAddress: string): boolean {
    if (now() - minute >= 60_000) {
      minute = now();
      messages = new Map();
    }
    const caller = callerOf(remoteAddress);
    const sent = (messages.get(caller) ?? 0) + 1;
    messages.set(caller, sent);
    return sent <= options.messagesPerMinute;
  }

  return { enter, message, open: () => open };
}

/** The address under which a caller is counted: IPv4 as it is (also when mapped), IPv6 by its /64. */
export function callerOf(remoteAddress: string): string {
  const address = remoteAddress.toLowerCase().replace(/%.*$/, '');
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  if (mapped?.[1] !== undefined) return mapped[1];
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('::');
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - front.length - back.length);
  const groups = [...front, ...Array.from({ length: zeros }, () => '0'), ...back];
  const prefix = groups.slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ''));
  return `${prefix.join(':')}::/64`;
}
