/**
 * German.
 *
 * @module
 */
import type { Texts } from './en.ts';

export const de: Texts = {
  'leave.title': 'Abmelden?',
  'leave.channel': 'Wir senden Ihnen keine Werbe-E\u2011Mails mehr.',
  'leave.identity': 'Wir senden an diese Adresse keine Werbe-E\u2011Mails mehr.',
  'leave.subscription': 'Wir senden Ihnen keine E\u2011Mails der Liste {{list}} mehr.',
  'leave.button': 'Abmelden',
  'leave.nothing_yet':
    'Noch hat sich nichts geändert. Wenn Sie versehentlich hier sind, schließen Sie einfach diese Seite.',
  'leave.all_hint': 'Möchten Sie lieber gar keine Werbe-E\u2011Mails mehr erhalten, an keine Ihrer Adressen?',
  'leave.all': 'Alle Werbe-E\u2011Mails abbestellen',
  'leave.preferences': 'Im Einzelnen auswählen, was Sie erhalten',
  'who.all_addresses': 'und alle Ihre anderen Adressen',
  'who.this_address': 'nur diese Adresse',
  'left.title': 'Sie sind abgemeldet',
  'left.late':
    'Eine Nachricht, die schon unterwegs war, kann noch ankommen. Sie können diese Seite schließen.',
  'left.undo_hint': 'War das ein Versehen?',
  'left.undo': 'Rückgängig machen',
  'undone.title': 'Sie sind wieder angemeldet',
  'undone.channel': 'Wir dürfen Ihnen wieder Werbe-E\u2011Mails senden.',
  'undone.identity': 'Wir dürfen an diese Adresse wieder Werbe-E\u2011Mails senden.',
  'undone.subscription': 'Wir dürfen Ihnen wieder E\u2011Mails der Liste {{list}} senden.',
  'undone.not_title': 'Das ließ sich nicht rückgängig machen',
  'undone.still_stopped':
    'Eine andere Einstellung von Ihnen hält unsere Werbe-E\u2011Mails weiterhin auf. Alle finden Sie unter Ihren Einstellungen.',
  'preferences.title': 'Ihre Einstellungen',
  'preferences.intro': 'Wählen Sie, was wir Ihnen senden dürfen. Bis Sie speichern, ändert sich nichts.',
  'preferences.channels': 'Kanäle',
  'preferences.left_all':
    'Sie haben alle Werbung abbestellt. Was Sie jetzt einschalten, erhalten Sie wieder; alles andere bleibt aus.',
  'preferences.address': 'E\u2011Mails an {{address}}',
  'preferences.lists': 'Listen',
  'preferences.lists_hint': 'Listen erreichen Sie nur, solange E\u2011Mail eingeschaltet ist.',
  'preferences.more_lists': 'Weitere Listen',
  'preferences.personal': 'Personalisierung',
  'preferences.personalize': 'Nachrichten auf mich zuschneiden',
  'preferences.personalize_hint': 'Ohne das sehen Sie dieselben Inhalte wie alle anderen.',
  'preferences.save': 'Speichern',
  'preferences.leave_hint': 'Oder gar keine Werbung mehr von uns erhalten, auf keinem Kanal.',
  'preferences.leave': 'Alle Werbung abbestellen',
  'preferences.complaint':
    'Eine Nachricht an diese Adresse wurde als Spam gemeldet. Deshalb senden wir keine Werbe-E\u2011Mails an sie, was auch immer hier ausgewählt ist. Wenn das ein Versehen war, schreiben Sie uns bitte.',
  'channel.email': 'E\u2011Mail',
  'channel.sms': 'SMS',
  'channel.push': 'Push-Benachrichtigungen',
  'channel.whatsApp': 'WhatsApp',
  'channel.call': 'Telefonanrufe',
  'channel.fax': 'Fax',
  'channel.postalMail': 'Briefpost',
  'channel.all': 'Alle Werbung',
  'saved.title': 'Ihre Auswahl ist gespeichert',
  'saved.unchanged': 'Es gab nichts zu ändern.',
  'saved.on': 'Eingeschaltet',
  'saved.off': 'Ausgeschaltet',
  'saved.kept': 'Ließ sich nicht einschalten',
  'saved.complaint':
    'Eine Nachricht an diese Adresse wurde als Spam gemeldet, deshalb bleibt es dabei. Wenn das ein Versehen war, schreiben Sie uns bitte.',
  'saved.newer':
    'Eine neuere Auswahl sagt nein, deshalb bleibt es dabei. Bitte öffnen Sie Ihre Einstellungen noch einmal.',
  'saved.undo': 'Rückgängig machen',
  'saved.back': 'Zurück zu Ihren Einstellungen',
  'contact.write': 'An {{address}} schreiben',
  'problem.title': 'Das hat nicht geklappt',
  'problem.text': 'Bitte öffnen Sie den Link aus Ihrer Nachricht noch einmal.',
  'problem.not_stored_title': 'Bitte versuchen Sie es gleich noch einmal',
  'problem.not_stored': 'Ihre Auswahl konnte gerade nicht gespeichert werden. Der Link bleibt gültig.',
  'problem.try_again': 'Noch einmal versuchen',
  'problem.unavailable_title': 'Bitte kommen Sie gleich wieder',
  'problem.unavailable':
    'Diese Seite lässt sich gerade nicht anzeigen, und es hat sich nichts geändert. Der Link bleibt gültig: Öffnen Sie ihn gleich noch einmal.',
  'problem.link_title': 'Dieser Link ist nicht gültig',
  'problem.link':
    'Ein Teil ist womöglich unterwegs verloren gegangen, deshalb hat sich nichts geändert. Bitte öffnen Sie ihn noch einmal direkt aus der Nachricht oder kopieren Sie ihn ganz.',
  'problem.reply':
    'Wenn das nicht hilft, antworten Sie auf die Nachricht und bitten Sie darum, keine weiteren zu erhalten.',
  'problem.mail':
    'Wenn das nicht hilft, schreiben Sie an {{address}}, und zwar von der Adresse, die keine E\u2011Mails mehr erhalten soll. Ein Satz genügt:',
  'problem.sentence': 'Bitte senden Sie mir keine Werbe-E\u2011Mails mehr.',
};
