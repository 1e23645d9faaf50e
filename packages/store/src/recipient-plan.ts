/**
 * From recipients to planned messages: whose profile, which address, or why not.
 *
 * One rule: a good recipient always has a profile afterwards, created from its identity and address where there was
 * none; a bad one creates nobody, and its context is not kept. Somebody named twice gets one message, by the first entry
 * that can be sent. Who was erased is created opted out.
 *
 * @module
 */
import type { ExclusionCode } from '@adieu/core';
import type { NamedAddress } from './address.ts';
import { ensureAddresses, nameAddress } from './address.ts';
import type { Db } from './database.ts';
import type { Recipient } from './execution.ts';
import type { IdentityRegister, RegisteredProfile } from './identity.ts';
import { openRegister } from './identity.ts';
import { insertProfiles, numberProfiles, writeIdentities, writeUsages } from './profile-write.ts';
import type { ReadRecipient } from './recipient.ts';
import { readRecipient } from './recipient.ts';
import { findReturned, keepOut, keptOut } from './returning.ts';
import { prepared, run } from './statement.ts';

/** A message about to be written. */
export interface PlannedMessage {
  readonly profileId: number | null;
  readonly addressId: number | null;
  readonly namespace: string;
  readonly identity: string;
  readonly context: string | null;
  readonly code: ExclusionCode | null;
}

interface Entry {
  readonly recipient: ReadRecipient;
  readonly profile: RegisteredProfile | null;
}

const OWN_ADDRESSES = prepared<{ readonly id: number; readonly addressId: number }>(
  'own_addresses',
  `SELECT id, address_id AS "addressId" FROM profile WHERE id = ANY ($1::bigint[]) AND address_id IS NOT NULL`,
);

/** Resolves recipients, creating profiles and addresses where there are none. */
export async function planRecipients(
  transaction: Db,
  sandboxId: number,
  recipients: readonly (Recipient | null)[],
): Promise<PlannedMessage[]> {
  const read = recipients.map(readRecipient);
  const persons = read.flatMap(({ person }) => (person === null ? [] : [person]));
  const register = await openRegister(transaction, sandboxId, persons);
  const entries = oncePerProfile(
    read.map((recipient) => ({ recipient, profile: resolve(register, recipient) })),
  );
  const addressNumber = await ensureAddresses(transaction, sandboxId, entries.flatMap(addressesOf));
  await createProfiles(transaction, sandboxId, entries, addressNumber);
  const own = await ownAddresses(transaction, entries);
  const messages = entries.map(({ recipient, profile }): PlannedMessage => {
    const { namespace, identity, code } = recipient;
    const given = recipient.address === null ? null : addressNumber(nameAddress(recipient.address));
    const addressId = code === null ? (given ?? own.get(profile?.id ?? 0) ?? null) : null;
    const missing = addressId === null || profile === null ? '050020' : null;
    const ending = code ?? missing;
    // What will not be sent needs no words.
    const context = ending === null ? recipient.context : null;
    return { profileId: profile?.id ?? null, addressId, namespace, identity, context, code: ending };
  });
  await writeUsages(
    transaction,
    messages.flatMap(({ profileId, addressId }) =>
      profileId === null || addressId === null ? [] : [{ profileId, addressId }],
    ),
  );
  return messages;
}

/**
 * A recipient's address finds a person known by that Email only, as an import would; it never replaces the Email of
 * a person known by the identity. The identities come in order: its own, then the Email.
 */
function resolve(register: IdentityRegister, recipient: ReadRecipient): RegisteredProfile | null {
  const { person, address, code } = recipient;
  const [own] = person?.identities ?? [];
  if (person === null || own === undefined) return null;
  const found = register.find(person);
  if (found === 'conflict') return null;
  if (found !== null) {
    if (code === null) register.adopt(found, own);
    return found;
  }
  return code === null && address !== null ? register.create(person) : null;
}

function oncePerProfile(entries: readonly Entry[]): Entry[] {
  const chosen = new Map<RegisteredProfile, Entry>();
  for (const entry of entries) {
    if (entry.profile === null) continue;
    const earlier = chosen.get(entry.profile);
    if (earlier === undefined || (earlier.recipient.code !== null && entry.recipient.code === null)) {
      chosen.set(entry.profile, entry);
    }
  }
  return entries.filter((entry) => entry.profile === null || chosen.get(entry.profile) === entry);
}

function addressesOf({ recipient }: Entry): NamedAddress[] {
  return recipient.address === null ? [] : [nameAddress(recipient.address)];
}

async function createProfiles(
  db: Db,
  sandboxId: number,
  entries: readonly Entry[],
  addressNumber: (address: NamedAddress) => number,
): Promise<void> {
  const profiles = entries.flatMap(({ profile }) => (profile === null ? [] : [profile]));
  const created = entries.filter(({ profile }) => profile?.isNew === true);
  await numberProfiles(
    db,
    profiles.filter((profile) => profile.isNew),
  );
  const returned = await findReturned(db, sandboxId, profiles);
  const consents = (profile: RegisteredProfile) => JSON.stringify(keptOut(returned, profile, {}));
  await insertProfiles(
    db,
    sandboxId,
    created.flatMap(({ profile, recipient: { address } }) =>
      profile === null || address === null
        ? []
        : [
            {
              profile,
              addressId: addressNumber(nameAddress(address)),
              attributes: '{}',
              consents: consents(profile),
            },
          ],
    ),
  );
  await keepOut(db, sandboxId, returned);
  await writeIdentities(db, sandboxId, profiles);
}

async function ownAddresses(db: Db, entries: readonly Entry[]): Promise<Map<number, number>> {
  const ids = entries.flatMap(({ recipient, profile }) =>
    recipient.address === null && profile !== null ? [profile.id] : [],
  );
  if (ids.length === 0) return new Map();
  return new Map((await run(db, OWN_ADDRESSES, [ids])).map((row) => [row.id, row.addressId]));
}
