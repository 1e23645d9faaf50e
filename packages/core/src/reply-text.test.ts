import { describe, expect, test } from '@jest/globals';
import { classifyReply, classifyStatus, parseReply } from './reply.ts';
import type { ReplyPlace } from './reply-text.ts';

/** What a server's reply to RCPT means. */
function kind(line: string): string {
  const parsed = parseReply([line]);
  if (parsed === null) throw new Error(`no reply: ${line}`);
  return classifyReply('rcpt', parsed).kind;
}

/** Replies to RCPT as servers word them, by what they say. */
const REPLIES = {
  hard: [
    // Exim, Postfix, Sendmail, qmail, Courier, OpenSMTPD, James, MDaemon, IMail
    '550 unknown local-part "info" in domain "example.org"',
    '550 Unroutable address',
    '550 <john@example.com> Recipient unknown',
    '553 5.3.0 <john@example.com>... Addressee unknown, relay=[192.0.2.1]',
    '550 RCPT_TO:<john@example.com> not exist',
    '550 BAD_RECIPIENT - see https://example.com/undelivered?r=1',
    '554 Rcpt <john@example.com> does not exist',
    '550 john@example.com is not an active address at this host',
    '550 "Unknown User"',
    '550 unrecognized recipient',
    '550 could not find user john',
    '550 5.1.0 Address rejected. john@example.com',
    '550 The recipient cannot be verified. Please check all recipients of this message.',
    '550 permanent failure for one or more recipients (john@example.com:550 5.1.1 User unknown)',
    '550 This address no longer accepts mail.',
    '550 Account terminated',
    // Exchange, Domino, GroupWise
    '550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup',
    '550 User John (john@example.com) not listed in Domino Directory',
    // Providers
    '550 5.1.1 RCP-P1 https://www.facebook.com/postmaster/response_codes Refused due to recipient preferences',
    '550 5.1.1 Adresse d au moins un destinataire invalide. Invalid recipient. OFR204_416 [416]',
    '550 Mailbox not found. http://service.mail.qq.com/cgi-bin/help?id=20022',
    '550 User not found: john@163.com',
    '550 Message was not accepted -- invalid mailbox. Local mailbox john@mail.ru is unavailable: user not found',
    // Languages
    '550 Empfaenger unbekannt',
    '550 Die E-Mail-Adresse wurde nicht gefunden',
    "550 L'adresse de messagerie n'existe pas",
    '550 El usuario no existe',
    '550 No se encontró la dirección de correo del destinatario',
    '550 O endereço de email não foi encontrado',
    "550 L'indirizzo non è stato trovato",
    '550 Het e-mailadres is niet gevonden',
    '550 Odbiorca nie istnieje',
    '550 Адрес не существует',
    '550 收件人不存在',
    '550 メールボックスが存在しません',
    // Domains
    '550 No such domain at this location',
    '550 illegal host/domain name found',
    '550 DNS error: NXDOMAIN',
    '550 5.4.310 DNS domain example.org does not exist [Message=InfoDomainNonexistent]',
    '550 No route found to domain example.org from server EXAMPLE',
  ],
  soft: [
    '550 [SUSPEND] Mailbox currently suspended - Please contact correspondent directly',
    "550 The e-mail message could not be delivered because the user's mailfolder is full.",
    '550 ErrMsg=mail box space not enough, account=john',
    '550 5.1.1 mailbox full',
    '550 RCPT TO:<john@example.com> max message size exceeded',
    '550 message too large for this recipient',
    '552 Message size exceeds fixed maximum message size',
    '550 the remote host said: unknown failure',
    '550 5.4.312 DNS query failed [Message=InfoDnsError]',
    '550 5.4.310 DNS domain example.org does not exist, try again later',
  ],
  sender: [
    '550 Access denied - Invalid HELO name (See RFC2821 4.1.1.1)',
    '550 Too many invalid recipients',
    '550 Domain of sender address hello@example.com does not exist',
    '554 Refused. You have no reverse DNS entry.',
    '553 Sender Policy Framework (SPF) fail',
  ],
} as const;

describe('BC-5 what servers say', () => {
  test.each(
    Object.entries(REPLIES).flatMap(([wanted, lines]) => lines.map((line) => [wanted, line] as const)),
  )('BC-5 %s: %s', (wanted, line) => {
    expect(kind(line)).toBe(wanted);
  });

  test('BC-4 a size is no fault of the address, even where the report names it 5.1.1', () => {
    const places: ReplyPlace[] = ['rcpt', 'own', 'unknown'];
    for (const place of places)
      expect(classifyStatus('5.1.0', 'message size exceeds the limit of this address', place)).toBe('soft');
  });
});
