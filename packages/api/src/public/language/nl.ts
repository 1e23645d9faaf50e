/**
 * Dutch.
 *
 * @module
 */
import type { Texts } from './en.ts';

export const nl: Texts = {
  'leave.title': 'Afmelden?',
  'leave.channel': 'Wij sturen u geen reclame-e\u2011mails meer.',
  'leave.identity': 'Wij sturen geen reclame-e\u2011mails meer naar dit adres.',
  'leave.subscription': 'Wij sturen u geen e\u2011mails meer van de lijst {{list}}.',
  'leave.button': 'Afmelden',
  'leave.nothing_yet': 'Er is nog niets veranderd. Bent u hier per ongeluk, sluit dan gewoon deze pagina.',
  'leave.all_hint': 'Wilt u liever helemaal geen reclame-e\u2011mails meer, op geen van uw adressen?',
  'leave.all': 'Alle reclame-e\u2011mails stoppen',
  'leave.preferences': 'In detail kiezen wat u ontvangt',
  'who.all_addresses': 'en al uw andere adressen',
  'who.this_address': 'alleen dit adres',
  'left.title': 'U bent afgemeld',
  'left.late': 'Een bericht dat al onderweg was, kan nog aankomen. U kunt deze pagina sluiten.',
  'left.undo_hint': 'Was het een vergissing?',
  'left.undo': 'Ongedaan maken',
  'undone.title': 'U bent weer aangemeld',
  'undone.channel': 'Wij mogen u weer reclame-e\u2011mails sturen.',
  'undone.identity': 'Wij mogen weer reclame-e\u2011mails naar dit adres sturen.',
  'undone.subscription': 'Wij mogen u weer e\u2011mails van de lijst {{list}} sturen.',
  'undone.not_title': 'Ongedaan maken is niet gelukt',
  'undone.still_stopped':
    'Een andere keuze van u houdt onze reclame-e\u2011mails nog tegen. U vindt ze allemaal bij uw voorkeuren.',
  'preferences.title': 'Uw voorkeuren',
  'preferences.intro': 'Kies wat wij u mogen sturen. Er verandert niets totdat u opslaat.',
  'preferences.channels': 'Kanalen',
  'preferences.left_all':
    'U hebt alle reclame gestopt. Wat u nu inschakelt, ontvangt u weer; al het andere blijft uit.',
  'preferences.address': 'E\u2011mail naar {{address}}',
  'preferences.lists': 'Lijsten',
  'preferences.lists_hint': 'Lijsten bereiken u alleen zolang e\u2011mail is ingeschakeld.',
  'preferences.more_lists': 'Meer lijsten',
  'preferences.personal': 'Personalisatie',
  'preferences.personalize': 'Berichten op mij afstemmen',
  'preferences.personalize_hint': 'Zonder dit ziet u dezelfde inhoud als iedereen.',
  'preferences.save': 'Opslaan',
  'preferences.leave_hint': 'Of helemaal geen reclame meer van ons ontvangen, via geen enkel kanaal.',
  'preferences.leave': 'Alle reclame stoppen',
  'preferences.complaint':
    'Een bericht aan dit adres is als spam gemeld. Daarom sturen wij er geen reclame-e\u2011mails naartoe, wat er hier ook is gekozen. Was dat een vergissing, schrijf ons dan.',
  'channel.email': 'E\u2011mail',
  'channel.sms': 'Sms',
  'channel.push': 'Pushmeldingen',
  'channel.whatsApp': 'WhatsApp',
  'channel.call': 'Telefoongesprekken',
  'channel.fax': 'Fax',
  'channel.postalMail': 'Post',
  'channel.all': 'Alle reclame',
  'saved.title': 'Uw keuzes zijn opgeslagen',
  'saved.unchanged': 'Er viel niets te wijzigen.',
  'saved.on': 'Ingeschakeld',
  'saved.off': 'Uitgeschakeld',
  'saved.kept': 'Kon niet worden ingeschakeld',
  'saved.complaint':
    'Een bericht aan dit adres is als spam gemeld; daarom blijft dit uit. Was dat een vergissing, schrijf ons dan.',
  'saved.newer': 'Een recentere keuze zegt nee; daarom blijft dit uit. Open uw voorkeuren opnieuw.',
  'saved.undo': 'Ongedaan maken',
  'saved.back': 'Terug naar uw voorkeuren',
  'contact.write': 'Schrijven aan {{address}}',
  'problem.title': 'Dat is niet gelukt',
  'problem.text': 'Open de link nog eens vanuit uw bericht.',
  'problem.not_stored_title': 'Probeer het zo meteen opnieuw',
  'problem.not_stored': 'Uw keuze kon nu niet worden opgeslagen. De link blijft geldig.',
  'problem.try_again': 'Opnieuw proberen',
  'problem.unavailable_title': 'Kom zo meteen terug',
  'problem.unavailable':
    'Deze pagina kan nu niet worden getoond en er is niets veranderd. De link blijft geldig: open hem zo meteen opnieuw.',
  'problem.link_title': 'Deze link is niet geldig',
  'problem.link':
    'Misschien is er onderweg een deel verloren gegaan, dus er is niets veranderd. Open de link opnieuw vanuit het bericht zelf of kopieer hem helemaal.',
  'problem.reply': 'Helpt dat niet, beantwoord dan het bericht en vraag om niets meer te ontvangen.',
  'problem.mail':
    'Helpt dat niet, schrijf dan naar {{address}} vanaf het adres dat geen e\u2011mail meer moet ontvangen. Eén zin is genoeg:',
  'problem.sentence': 'Stuur mij alstublieft geen reclame-e\u2011mails meer.',
};
