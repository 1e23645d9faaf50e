/**
 * Italian.
 *
 * @module
 */
import type { Texts } from './en.ts';

export const it: Texts = {
  'leave.title': 'Annullare l’iscrizione?',
  'leave.channel': 'Non le invieremo più e\u2011mail pubblicitarie.',
  'leave.identity': 'Non invieremo più e\u2011mail pubblicitarie a questo indirizzo.',
  'leave.subscription': 'Non le invieremo più e\u2011mail della lista {{list}}.',
  'leave.button': 'Annulla l’iscrizione',
  'leave.nothing_yet':
    'Non è ancora cambiato nulla. Se è qui per errore, chiuda semplicemente questa pagina.',
  'leave.all_hint':
    'Preferisce non ricevere più alcuna e\u2011mail pubblicitaria, a nessuno dei suoi indirizzi?',
  'leave.all': 'Interrompi tutte le e\u2011mail pubblicitarie',
  'leave.preferences': 'Scegliere nel dettaglio che cosa ricevere',
  'who.all_addresses': 'e tutti gli altri suoi indirizzi',
  'who.this_address': 'solo questo indirizzo',
  'left.title': 'La sua iscrizione è annullata',
  'left.late': 'Un messaggio già partito potrebbe ancora arrivare. Può chiudere questa pagina.',
  'left.undo_hint': 'È stato un errore?',
  'left.undo': 'Ripristina',
  'undone.title': 'La sua iscrizione è di nuovo attiva',
  'undone.channel': 'Possiamo inviarle di nuovo e\u2011mail pubblicitarie.',
  'undone.identity': 'Possiamo inviare di nuovo e\u2011mail pubblicitarie a questo indirizzo.',
  'undone.subscription': 'Possiamo inviarle di nuovo e\u2011mail della lista {{list}}.',
  'undone.not_title': 'Non è stato possibile ripristinare',
  'undone.still_stopped':
    'Un’altra sua scelta blocca ancora le nostre e\u2011mail pubblicitarie. Le trova tutte nelle sue preferenze.',
  'preferences.title': 'Le sue preferenze',
  'preferences.intro': 'Scelga che cosa possiamo inviarle. Nulla cambia finché non salva.',
  'preferences.channels': 'Canali',
  'preferences.left_all':
    'Ha interrotto tutta la pubblicità. Riceverà di nuovo ciò che attiva ora; tutto il resto rimane disattivato.',
  'preferences.address': 'E\u2011mail a {{address}}',
  'preferences.lists': 'Liste',
  'preferences.lists_hint': 'Le liste le arrivano solo finché le e\u2011mail sono attivate.',
  'preferences.more_lists': 'Altre liste',
  'preferences.personal': 'Personalizzazione',
  'preferences.personalize': 'Adatta i messaggi al mio profilo',
  'preferences.personalize_hint': 'Senza, vedrà gli stessi contenuti di tutti gli altri.',
  'preferences.save': 'Salva',
  'preferences.leave_hint': 'Oppure non ricevere più alcuna pubblicità da noi, su nessun canale.',
  'preferences.leave': 'Interrompi tutta la pubblicità',
  'preferences.complaint':
    'Un messaggio inviato a questo indirizzo è stato segnalato come spam. Perciò non vi inviamo e\u2011mail pubblicitarie, qualunque sia la scelta fatta qui. Se è stato un errore, ci scriva.',
  'channel.email': 'E\u2011mail',
  'channel.sms': 'SMS',
  'channel.push': 'Notifiche push',
  'channel.whatsApp': 'WhatsApp',
  'channel.call': 'Telefonate',
  'channel.fax': 'Fax',
  'channel.postalMail': 'Posta cartacea',
  'channel.all': 'Tutta la pubblicità',
  'saved.title': 'Le sue scelte sono salvate',
  'saved.unchanged': 'Non c’era nulla da modificare.',
  'saved.on': 'Attivato',
  'saved.off': 'Disattivato',
  'saved.kept': 'Attivazione non riuscita',
  'saved.complaint':
    'Un messaggio inviato a questo indirizzo è stato segnalato come spam, perciò gli invii restano disattivati. Se è stato un errore, ci scriva.',
  'saved.newer':
    'Una scelta più recente dice di no, perciò gli invii restano disattivati. Riapra le sue preferenze.',
  'saved.undo': 'Ripristina',
  'saved.back': 'Torna alle sue preferenze',
  'contact.write': 'Scrivere a {{address}}',
  'problem.title': 'Non ha funzionato',
  'problem.text': 'Riapra il link dal suo messaggio.',
  'problem.not_stored_title': 'Riprovi tra un momento',
  'problem.not_stored': 'Al momento non è stato possibile salvare la sua scelta. Il link resta valido.',
  'problem.try_again': 'Riprova',
  'problem.unavailable_title': 'Torni tra un momento',
  'problem.unavailable':
    'Al momento non è possibile mostrare questa pagina e nulla è cambiato. Il link resta valido: lo riapra tra un momento.',
  'problem.link_title': 'Questo link non è valido',
  'problem.link':
    'Forse una parte è andata persa durante il percorso, perciò nulla è cambiato. Lo riapra dal messaggio stesso oppure lo copi per intero.',
  'problem.reply': 'Se non basta, risponda al messaggio e chieda di non riceverne altri.',
  'problem.mail':
    'Se non basta, scriva a {{address}} dall’indirizzo che non deve più ricevere e\u2011mail. Basta una frase:',
  'problem.sentence': 'Vi prego di non inviarmi più e\u2011mail pubblicitarie.',
};
