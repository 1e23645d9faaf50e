/**
 * French.
 *
 * @module
 */
import type { Texts } from './en.ts';

export const fr: Texts = {
  'leave.title': 'Se désabonner\u00a0?',
  'leave.channel': 'Nous ne vous enverrons plus d’e\u2011mails publicitaires.',
  'leave.identity': 'Nous n’enverrons plus d’e\u2011mails publicitaires à cette adresse.',
  'leave.subscription': 'Nous ne vous enverrons plus les e\u2011mails de la liste {{list}}.',
  'leave.button': 'Se désabonner',
  'leave.nothing_yet': 'Rien n’a encore changé. Si vous êtes ici par erreur, fermez simplement cette page.',
  'leave.all_hint':
    'Préférez-vous ne plus recevoir aucun e\u2011mail publicitaire, à aucune de vos adresses\u00a0?',
  'leave.all': 'Arrêter tous les e\u2011mails publicitaires',
  'leave.preferences': 'Choisir en détail ce que vous recevez',
  'who.all_addresses': 'et toutes vos autres adresses',
  'who.this_address': 'cette adresse uniquement',
  'left.title': 'Votre désabonnement est enregistré',
  'left.late': 'Un message déjà parti peut encore arriver. Vous pouvez fermer cette page.',
  'left.undo_hint': 'C’était une erreur\u00a0?',
  'left.undo': 'Annuler',
  'undone.title': 'Votre abonnement est rétabli',
  'undone.channel': 'Nous pouvons de nouveau vous envoyer des e\u2011mails publicitaires.',
  'undone.identity': 'Nous pouvons de nouveau envoyer des e\u2011mails publicitaires à cette adresse.',
  'undone.subscription': 'Nous pouvons de nouveau vous envoyer les e\u2011mails de la liste {{list}}.',
  'undone.not_title': 'L’annulation n’a pas été possible',
  'undone.still_stopped':
    'Un autre de vos choix bloque encore nos e\u2011mails publicitaires. Vous les trouverez tous dans vos préférences.',
  'preferences.title': 'Vos préférences',
  'preferences.intro': 'Choisissez ce que nous pouvons vous envoyer. Rien ne change avant l’enregistrement.',
  'preferences.channels': 'Canaux',
  'preferences.left_all':
    'Vous avez arrêté toute publicité. Vous recevrez de nouveau ce que vous activez maintenant\u00a0; tout le reste demeure désactivé.',
  'preferences.address': 'E\u2011mails à {{address}}',
  'preferences.lists': 'Listes',
  'preferences.lists_hint': 'Les listes n’arrivent que si les e\u2011mails sont activés.',
  'preferences.more_lists': 'Autres listes',
  'preferences.personal': 'Personnalisation',
  'preferences.personalize': 'Adapter les messages à mon profil',
  'preferences.personalize_hint': 'Sans cela, vous voyez le même contenu que tout le monde.',
  'preferences.save': 'Enregistrer',
  'preferences.leave_hint': 'Ou ne plus recevoir aucune publicité de notre part, par aucun canal.',
  'preferences.leave': 'Arrêter toute publicité',
  'preferences.complaint':
    'Un message envoyé à cette adresse a été signalé comme indésirable. Nous n’y envoyons donc plus d’e\u2011mails publicitaires, quels que soient les choix faits ici. S’il s’agit d’une erreur, écrivez-nous.',
  'channel.email': 'E\u2011mail',
  'channel.sms': 'SMS',
  'channel.push': 'Notifications push',
  'channel.whatsApp': 'WhatsApp',
  'channel.call': 'Appels téléphoniques',
  'channel.fax': 'Fax',
  'channel.postalMail': 'Courrier postal',
  'channel.all': 'Toute publicité',
  'saved.title': 'Vos choix sont enregistrés',
  'saved.unchanged': 'Il n’y avait rien à modifier.',
  'saved.on': 'Activé',
  'saved.off': 'Désactivé',
  'saved.kept': 'Activation impossible',
  'saved.complaint':
    'Un message envoyé à cette adresse a été signalé comme indésirable\u00a0; les envois restent donc désactivés. S’il s’agit d’une erreur, écrivez-nous.',
  'saved.newer':
    'Un choix plus récent dit non\u00a0; les envois restent donc désactivés. Rouvrez vos préférences.',
  'saved.undo': 'Annuler',
  'saved.back': 'Retour à vos préférences',
  'contact.write': 'Écrire à {{address}}',
  'problem.title': 'Cela n’a pas fonctionné',
  'problem.text': 'Veuillez rouvrir le lien depuis votre message.',
  'problem.not_stored_title': 'Veuillez réessayer dans un instant',
  'problem.not_stored': 'Votre choix n’a pas pu être enregistré pour le moment. Le lien reste valable.',
  'problem.try_again': 'Réessayer',
  'problem.unavailable_title': 'Veuillez revenir dans un instant',
  'problem.unavailable':
    'Cette page ne peut pas être affichée pour le moment, et rien n’a changé. Le lien reste valable\u00a0: rouvrez-le dans un instant.',
  'problem.link_title': 'Ce lien n’est pas valable',
  'problem.link':
    'Une partie du lien a pu se perdre en route\u00a0; rien n’a donc changé. Rouvrez-le depuis le message lui-même ou copiez-le en entier.',
  'problem.reply': 'Si cela ne suffit pas, répondez au message et demandez à ne plus rien recevoir.',
  'problem.mail':
    'Si cela ne suffit pas, écrivez à {{address}} depuis l’adresse qui ne doit plus recevoir d’e\u2011mails. Une phrase suffit\u00a0:',
  'problem.sentence': 'Merci de ne plus m’envoyer d’e\u2011mails publicitaires.',
};
