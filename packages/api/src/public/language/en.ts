/**
 * English, and with it every text there is: the other languages are held to these keys.
 *
 * `{{…}}` is filled with what came from elsewhere, and always set apart, so that its direction and grammar never
 * reach the sentence around it. No text asks for a gender or counts anything. No line ends where it would look torn:
 * "e\u2011mail" has the hyphen that never breaks, and in French a no-break space stands before `?`, `;` and `:`.
 *
 * @module
 */
export const en = {
  'leave.title': 'Unsubscribe?',
  'leave.channel': 'We will send you no more marketing email.',
  'leave.identity': 'We will send no more marketing email to this address.',
  'leave.subscription': 'We will send you no more email of the list {{list}}.',
  'leave.button': 'Unsubscribe',
  'leave.nothing_yet': 'Nothing has changed yet. If you came here by mistake, just close this page.',
  'leave.all_hint': 'Would you rather get no marketing email at all, at any of your addresses?',
  'leave.all': 'Stop all marketing email',
  'leave.preferences': 'Choose in detail what you receive',
  'who.all_addresses': 'and every other address of yours',
  'who.this_address': 'this address only',
  'left.title': 'You are unsubscribed',
  'left.late': 'A message that had already left us may still arrive. You can close this page.',
  'left.undo_hint': 'Pressed by mistake?',
  'left.undo': 'Undo',
  'undone.title': 'You are subscribed again',
  'undone.channel': 'We may send you marketing email again.',
  'undone.identity': 'We may send marketing email to this address again.',
  'undone.subscription': 'We may send you email of the list {{list}} again.',
  'undone.not_title': 'That could not be undone',
  'undone.still_stopped':
    'Another choice of yours still stops our marketing email. You can see all of them in your preferences.',
  'preferences.title': 'Your preferences',
  'preferences.intro': 'Choose what we may send you. Nothing changes until you save.',
  'preferences.channels': 'Channels',
  'preferences.left_all':
    'You have stopped all marketing. What you switch on now you will receive again; everything else stays off.',
  'preferences.address': 'Email to {{address}}',
  'preferences.lists': 'Lists',
  'preferences.lists_hint': 'Lists reach you only while email is switched on.',
  'preferences.more_lists': 'More lists',
  'preferences.personal': 'Personalisation',
  'preferences.personalize': 'Tailor messages to me',
  'preferences.personalize_hint': 'Without it you see the same content as everybody else.',
  'preferences.save': 'Save',
  'preferences.leave_hint': 'Or receive no marketing from us at all, through any channel.',
  'preferences.leave': 'Stop all marketing',
  'preferences.complaint':
    'A message to this address was reported as spam. We therefore send no marketing email to it, whatever is chosen here. If that was a mistake, please write to us.',
  'channel.email': 'Email',
  'channel.sms': 'Text messages (SMS)',
  'channel.push': 'Push notifications',
  'channel.whatsApp': 'WhatsApp',
  'channel.call': 'Phone calls',
  'channel.fax': 'Fax',
  'channel.postalMail': 'Post',
  'channel.all': 'All marketing',
  'saved.title': 'Your choices are saved',
  'saved.unchanged': 'There was nothing to change.',
  'saved.on': 'Switched on',
  'saved.off': 'Switched off',
  'saved.kept': 'Could not be switched on',
  'saved.complaint':
    'A message to this address was reported as spam, so we keep it off. If that was a mistake, please write to us.',
  'saved.newer': 'A more recent choice says no, so we keep it off. Please open your preferences again.',
  'saved.undo': 'Undo',
  'saved.back': 'Back to your preferences',
  'contact.write': 'Write to {{address}}',
  'problem.title': 'That did not work',
  'problem.text': 'Please open the link from your message again.',
  'problem.not_stored_title': 'Please try again in a moment',
  'problem.not_stored': 'Your choice could not be stored just now. The link stays valid.',
  'problem.try_again': 'Try again',
  'problem.unavailable_title': 'Please come back in a moment',
  'problem.unavailable':
    'This page cannot be shown just now, and nothing has changed. The link stays valid: open it again in a moment.',
  'problem.link_title': 'This link is not valid',
  'problem.link':
    'Part of it may have been lost on the way, so nothing has changed. Please open it again from the message itself, or copy all of it.',
  'problem.reply': 'If that does not help, reply to the message and ask to be taken off.',
  'problem.mail':
    'If that does not help, write to {{address}} from the address that should get no more mail. One sentence is enough:',
  'problem.sentence': 'Please send me no more marketing email.',
} as const;

/** Names of the texts. */
export type TextKey = keyof typeof en;

/** The texts of one language. */
export type Texts = Readonly<Record<TextKey, string>>;
