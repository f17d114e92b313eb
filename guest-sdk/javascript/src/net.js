// Address ranges: `10.0.0.0/8`, `2001:db8::/32`, or one address.

/** A range of addresses. IPv4-mapped IPv6 addresses count as IPv4. */
export class IpRange {
  constructor(text) {
    const wrong = () => new TypeError(`${JSON.stringify(text)} is no address range such as 10.0.0.0/8, 2001:db8::/32 or 192.0.2.1`);
    const [address, bits, ...rest] = String(text).split("/");
    const groups = parse(address);
    const width = groups && (groups.length === 2 ? 32 : 128);
    if (!groups || rest.length || (bits !== undefined && !/^\d{1,3}$/.test(bits)) || Number(bits ?? 0) > width) throw wrong();
    this.bits = bits === undefined ? width : Number(bits);
    this.groups = groups;
    if (groups.some((group, at) => (group & ~mask(this.bits, at)) !== 0)) {
      throw new TypeError(`${JSON.stringify(text)} has bits set below its mask; write the first address of the range`);
    }
  }

  contains(address) {
    const groups = canonical(parse(address));
    if (!groups || groups.length !== this.groups.length) return false;
    return groups.every((group, at) => (group & mask(this.bits, at)) === this.groups[at]);
  }
}

/** Of the 16 bits at `at` those that count. */
function mask(bits, at) {
  const kept = Math.min(16, Math.max(0, bits - 16 * at));
  return (0xffff << (16 - kept)) & 0xffff;
}

/** Groups of 16 bits, 2 or 8; undefined if it is no address. */
function parse(address) {
  return address.includes(":") ? parseV6(address) : parseV4(address);
}

function parseV4(text) {
  const parts = text.split(".");
  if (parts.length !== 4 || parts.some((part) => !/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255)) return undefined;
  const [a, b, c, d] = parts.map(Number);
  return [a * 256 + b, c * 256 + d];
}

function parseV6(text) {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half) => (half === "" ? [] : half.split(":").flatMap(group)));
  if (tail === undefined) return valid(head);
  const gap = 8 - head.length - tail.length;
  return gap < 1 ? undefined : valid([...head, ...Array(gap).fill(0), ...tail]);
}

function group(text, at, all) {
  if (text.includes(".")) return at === all.length - 1 ? (parseV4(text) ?? [-1]) : [-1];
  return [/^[0-9a-fA-F]{1,4}$/.test(text) ? parseInt(text, 16) : -1];
}

const valid = (groups) => (groups.length === 8 && groups.every((group) => group >= 0) ? groups : undefined);

function canonical(groups) {
  const isMapped = groups?.length === 8 && groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  return isMapped ? groups.slice(6) : groups;
}
