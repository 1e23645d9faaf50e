/**
 * Polish.
 *
 * @module
 */
import type { Texts } from './en.ts';

export const pl: Texts = {
  'leave.title': 'Zrezygnować z subskrypcji?',
  'leave.channel': 'Nie będziemy już wysyłać e\u2011maili reklamowych.',
  'leave.identity': 'Nie będziemy już wysyłać e\u2011maili reklamowych na ten adres.',
  'leave.subscription': 'Nie będziemy już wysyłać e\u2011maili z listy {{list}}.',
  'leave.button': 'Zrezygnuj z subskrypcji',
  'leave.nothing_yet': 'Na razie nic się nie zmieniło. Jeśli to pomyłka, wystarczy zamknąć tę stronę.',
  'leave.all_hint': 'A może nie wysyłać już żadnych e\u2011maili reklamowych, na żaden z adresów?',
  'leave.all': 'Zatrzymaj wszystkie e\u2011maile reklamowe',
  'leave.preferences': 'Wybierz szczegółowo, co otrzymujesz',
  'who.all_addresses': 'i wszystkie pozostałe Twoje adresy',
  'who.this_address': 'tylko ten adres',
  'left.title': 'Rezygnacja została zapisana',
  'left.late': 'Wiadomość, która była już w drodze, może jeszcze dotrzeć. Możesz zamknąć tę stronę.',
  'left.undo_hint': 'To była pomyłka?',
  'left.undo': 'Cofnij',
  'undone.title': 'Subskrypcja została przywrócona',
  'undone.channel': 'Możemy znów wysyłać e\u2011maile reklamowe.',
  'undone.identity': 'Możemy znów wysyłać e\u2011maile reklamowe na ten adres.',
  'undone.subscription': 'Możemy znów wysyłać e\u2011maile z listy {{list}}.',
  'undone.not_title': 'Nie udało się cofnąć',
  'undone.still_stopped':
    'Inny Twój wybór nadal wstrzymuje nasze e\u2011maile reklamowe. Wszystkie znajdziesz w swoich ustawieniach.',
  'preferences.title': 'Twoje ustawienia',
  'preferences.intro': 'Wybierz, co możemy wysyłać. Nic się nie zmieni, dopóki nie zapiszesz.',
  'preferences.channels': 'Kanały',
  'preferences.left_all':
    'Wszystkie reklamy są wstrzymane. To, co teraz włączysz, będzie znów wysyłane; cała reszta pozostanie wyłączona.',
  'preferences.address': 'E\u2011maile na adres {{address}}',
  'preferences.lists': 'Listy',
  'preferences.lists_hint': 'Listy docierają tylko wtedy, gdy e\u2011mail jest włączony.',
  'preferences.more_lists': 'Więcej list',
  'preferences.personal': 'Personalizacja',
  'preferences.personalize': 'Dopasowuj wiadomości do mnie',
  'preferences.personalize_hint': 'Bez tego zobaczysz te same treści co wszyscy.',
  'preferences.save': 'Zapisz',
  'preferences.leave_hint': 'Albo nie otrzymuj od nas żadnych reklam, żadnym kanałem.',
  'preferences.leave': 'Zatrzymaj wszystkie reklamy',
  'preferences.complaint':
    'Wiadomość wysłana na ten adres została zgłoszona jako spam. Dlatego nie wysyłamy na niego e\u2011maili reklamowych, niezależnie od wyboru na tej stronie. Jeśli to pomyłka, napisz do nas.',
  'channel.email': 'E\u2011mail',
  'channel.sms': 'SMS',
  'channel.push': 'Powiadomienia push',
  'channel.whatsApp': 'WhatsApp',
  'channel.call': 'Połączenia telefoniczne',
  'channel.fax': 'Faks',
  'channel.postalMail': 'Poczta tradycyjna',
  'channel.all': 'Wszystkie reklamy',
  'saved.title': 'Twoje ustawienia są zapisane',
  'saved.unchanged': 'Nie było nic do zmiany.',
  'saved.on': 'Włączone',
  'saved.off': 'Wyłączone',
  'saved.kept': 'Nie udało się włączyć',
  'saved.complaint':
    'Wiadomość wysłana na ten adres została zgłoszona jako spam, więc wysyłka pozostaje wyłączona. Jeśli to pomyłka, napisz do nas.',
  'saved.newer':
    'Nowszy wybór mówi „nie”, więc wysyłka pozostaje wyłączona. Otwórz ponownie swoje ustawienia.',
  'saved.undo': 'Cofnij',
  'saved.back': 'Wróć do swoich ustawień',
  'contact.write': 'Napisz na adres {{address}}',
  'problem.title': 'To się nie udało',
  'problem.text': 'Otwórz ponownie link ze swojej wiadomości.',
  'problem.not_stored_title': 'Spróbuj ponownie za chwilę',
  'problem.not_stored': 'Nie udało się teraz zapisać Twojego wyboru. Link pozostaje ważny.',
  'problem.try_again': 'Spróbuj ponownie',
  'problem.unavailable_title': 'Wróć za chwilę',
  'problem.unavailable':
    'Tej strony nie można teraz wyświetlić i nic się nie zmieniło. Link pozostaje ważny: otwórz go ponownie za chwilę.',
  'problem.link_title': 'Ten link jest nieprawidłowy',
  'problem.link':
    'Być może jego część zaginęła po drodze, więc nic się nie zmieniło. Otwórz go ponownie z samej wiadomości albo skopiuj w całości.',
  'problem.reply': 'Jeśli to nie pomoże, odpowiedz na wiadomość i poproś o zaprzestanie wysyłki.',
  'problem.mail':
    'Jeśli to nie pomoże, napisz na adres {{address}} z adresu, na który nie mają już przychodzić e\u2011maile. Wystarczy jedno zdanie:',
  'problem.sentence': 'Proszę nie wysyłać mi więcej e\u2011maili reklamowych.',
};
