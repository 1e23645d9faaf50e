/**
 * Japanese.
 *
 * @module
 */
import type { Texts } from './en.ts';

export const ja: Texts = {
  'leave.title': '配信を停止しますか？',
  'leave.channel': '今後、広告メールをお送りしません。',
  'leave.identity': '今後、このアドレスに広告メールをお送りしません。',
  'leave.subscription': '今後、リスト「{{list}}」のメールをお送りしません。',
  'leave.button': '配信を停止する',
  'leave.nothing_yet': 'まだ何も変更されていません。誤って開いた場合は、このページを閉じてください。',
  'leave.all_hint': 'すべてのアドレスで、広告メールを一切受け取らないこともできます。',
  'leave.all': 'すべての広告メールを停止する',
  'leave.preferences': '受け取る内容を細かく選ぶ',
  'who.all_addresses': 'およびお客様のほかのすべてのアドレス',
  'who.this_address': 'このアドレスのみ',
  'left.title': '配信を停止しました',
  'left.late': 'すでに送信済みのメールが届くことがあります。このページは閉じてかまいません。',
  'left.undo_hint': '誤って押された場合は、元に戻せます。',
  'left.undo': '元に戻す',
  'undone.title': '配信を再開しました',
  'undone.channel': '今後、広告メールをお送りすることがあります。',
  'undone.identity': '今後、このアドレスに広告メールをお送りすることがあります。',
  'undone.subscription': '今後、リスト「{{list}}」のメールをお送りすることがあります。',
  'undone.not_title': '元に戻せませんでした',
  'undone.still_stopped':
    'ほかの設定により、広告メールは引き続き停止されています。すべての設定は配信設定でご確認いただけます。',
  'preferences.title': '配信設定',
  'preferences.intro': '受け取る内容をお選びください。保存するまで何も変更されません。',
  'preferences.channels': '受け取り方法',
  'preferences.left_all':
    'すべての広告を停止しています。ここでオンにしたものだけが再び届き、それ以外は停止のままです。',
  'preferences.address': '{{address}} 宛てのメール',
  'preferences.lists': 'リスト',
  'preferences.lists_hint': 'リストのメールは、メールがオンの間だけ届きます。',
  'preferences.more_lists': 'ほかのリスト',
  'preferences.personal': 'パーソナライズ',
  'preferences.personalize': '自分に合わせた内容を受け取る',
  'preferences.personalize_hint': 'オフにすると、ほかの方と同じ内容が表示されます。',
  'preferences.save': '保存する',
  'preferences.leave_hint': 'すべての方法で、広告を一切受け取らないこともできます。',
  'preferences.leave': 'すべての広告を停止する',
  'preferences.complaint':
    'このアドレス宛てのメールが迷惑メールとして報告されました。そのため、ここでの選択にかかわらず広告メールをお送りしません。お間違いの場合は、ご連絡ください。',
  'channel.email': 'メール',
  'channel.sms': 'SMS',
  'channel.push': 'プッシュ通知',
  'channel.whatsApp': 'WhatsApp',
  'channel.call': '電話',
  'channel.fax': 'FAX',
  'channel.postalMail': '郵便',
  'channel.all': 'すべての広告',
  'saved.title': '設定を保存しました',
  'saved.unchanged': '変更する内容はありませんでした。',
  'saved.on': 'オンにしました',
  'saved.off': 'オフにしました',
  'saved.kept': 'オンにできませんでした',
  'saved.complaint':
    'このアドレス宛てのメールが迷惑メールとして報告されたため、停止のままです。お間違いの場合は、ご連絡ください。',
  'saved.newer': 'より新しい選択で停止されているため、停止のままです。配信設定をもう一度開いてください。',
  'saved.undo': '元に戻す',
  'saved.back': '配信設定に戻る',
  'contact.write': '{{address}} に連絡する',
  'problem.title': '処理できませんでした',
  'problem.text': 'メールのリンクをもう一度開いてください。',
  'problem.not_stored_title': 'しばらくしてからもう一度お試しください',
  'problem.not_stored': '選択を保存できませんでした。リンクは引き続き有効です。',
  'problem.try_again': 'もう一度試す',
  'problem.unavailable_title': 'しばらくしてからもう一度お越しください',
  'problem.unavailable':
    '現在このページを表示できません。何も変更されていません。リンクは引き続き有効ですので、しばらくしてからもう一度開いてください。',
  'problem.link_title': 'このリンクは無効です',
  'problem.link':
    'リンクの一部が途中で失われた可能性があります。何も変更されていません。メールからもう一度開くか、リンク全体をコピーしてください。',
  'problem.reply': 'それでも解決しない場合は、メールに返信して配信停止をお申し付けください。',
  'problem.mail':
    'それでも解決しない場合は、配信を停止したいアドレスから {{address}} 宛てにメールをお送りください。次の一文だけで十分です。',
  'problem.sentence': '今後、広告メールを送らないでください。',
};
