/**
 * Arabic, written from right to left. Verbal nouns and passives: no sentence asks whether a man or a woman reads it.
 *
 * @module
 */
import type { Texts } from './en.ts';

export const ar: Texts = {
  'leave.title': 'إلغاء الاشتراك؟',
  'leave.channel': 'لن نرسل بعد الآن أي رسائل تسويقية بالبريد الإلكتروني.',
  'leave.identity': 'لن نرسل بعد الآن أي رسائل تسويقية إلى هذا العنوان.',
  'leave.subscription': 'لن نرسل بعد الآن أي رسائل من القائمة {{list}}.',
  'leave.button': 'إلغاء الاشتراك',
  'leave.nothing_yet': 'لم يتغيّر شيء بعد. إذا فُتحت هذه الصفحة عن طريق الخطأ فيكفي إغلاقها.',
  'leave.all_hint': 'هل من الأفضل عدم تلقي أي رسائل تسويقية بالبريد الإلكتروني على أي من عناوينك؟',
  'leave.all': 'إيقاف جميع الرسائل التسويقية بالبريد الإلكتروني',
  'leave.preferences': 'اختيار ما يصلك بالتفصيل',
  'who.all_addresses': 'وجميع عناوينك الأخرى',
  'who.this_address': 'هذا العنوان فقط',
  'left.title': 'تم إلغاء الاشتراك',
  'left.late': 'قد تصل رسالة كانت قد أُرسلت من قبل. يمكن إغلاق هذه الصفحة.',
  'left.undo_hint': 'هل حدث ذلك عن طريق الخطأ؟',
  'left.undo': 'تراجع',
  'undone.title': 'تمت إعادة الاشتراك',
  'undone.channel': 'يمكننا إرسال الرسائل التسويقية بالبريد الإلكتروني من جديد.',
  'undone.identity': 'يمكننا إرسال الرسائل التسويقية إلى هذا العنوان من جديد.',
  'undone.subscription': 'يمكننا إرسال رسائل القائمة {{list}} من جديد.',
  'undone.not_title': 'تعذّر التراجع',
  'undone.still_stopped':
    'ما زال اختيار آخر من اختياراتك يوقف رسائلنا التسويقية. تظهر جميع الاختيارات في صفحة تفضيلاتك.',
  'preferences.title': 'تفضيلاتك',
  'preferences.intro': 'هنا يمكن اختيار ما نرسله إليك. لا يتغيّر شيء قبل الحفظ.',
  'preferences.channels': 'القنوات',
  'preferences.left_all':
    'جميع الرسائل التسويقية متوقفة. سيصلك من جديد ما يتم تفعيله الآن، ويبقى كل ما عداه متوقفًا.',
  'preferences.address': 'البريد الإلكتروني إلى {{address}}',
  'preferences.lists': 'القوائم',
  'preferences.lists_hint': 'لا تصلك القوائم إلا ما دام البريد الإلكتروني مفعّلًا.',
  'preferences.more_lists': 'قوائم أخرى',
  'preferences.personal': 'التخصيص',
  'preferences.personalize': 'تخصيص الرسائل بما يناسبني',
  'preferences.personalize_hint': 'من دون ذلك يظهر لك المحتوى نفسه الذي يراه الجميع.',
  'preferences.save': 'حفظ',
  'preferences.leave_hint': 'أو عدم تلقي أي رسائل تسويقية منا عبر أي قناة.',
  'preferences.leave': 'إيقاف جميع أشكال التسويق',
  'preferences.complaint':
    'تم الإبلاغ عن رسالة إلى هذا العنوان بوصفها بريدًا مزعجًا. لذلك لا نرسل إليه رسائل تسويقية مهما كان الاختيار هنا. إذا كان ذلك خطأً فنرجو مراسلتنا.',
  'channel.email': 'البريد الإلكتروني',
  'channel.sms': 'الرسائل النصية القصيرة (SMS)',
  'channel.push': 'الإشعارات الفورية',
  'channel.whatsApp': 'واتساب',
  'channel.call': 'المكالمات الهاتفية',
  'channel.fax': 'الفاكس',
  'channel.postalMail': 'البريد العادي',
  'channel.all': 'جميع أشكال التسويق',
  'saved.title': 'تم حفظ اختياراتك',
  'saved.unchanged': 'لم يكن هناك ما يتطلب التغيير.',
  'saved.on': 'تم التفعيل',
  'saved.off': 'تم الإيقاف',
  'saved.kept': 'تعذّر التفعيل',
  'saved.complaint':
    'تم الإبلاغ عن رسالة إلى هذا العنوان بوصفها بريدًا مزعجًا، ولذلك يبقى الإرسال متوقفًا. إذا كان ذلك خطأً فنرجو مراسلتنا.',
  'saved.newer': 'يوجد اختيار أحدث بالرفض، ولذلك يبقى الإرسال متوقفًا. نرجو فتح صفحة تفضيلاتك من جديد.',
  'saved.undo': 'تراجع',
  'saved.back': 'العودة إلى تفضيلاتك',
  'contact.write': 'المراسلة على {{address}}',
  'problem.title': 'لم ينجح ذلك',
  'problem.text': 'نرجو فتح الرابط من الرسالة مرة أخرى.',
  'problem.not_stored_title': 'نرجو المحاولة مرة أخرى بعد قليل',
  'problem.not_stored': 'تعذّر حفظ اختيارك الآن. يبقى الرابط صالحًا.',
  'problem.try_again': 'المحاولة مرة أخرى',
  'problem.unavailable_title': 'نرجو العودة بعد قليل',
  'problem.unavailable':
    'لا يمكن عرض هذه الصفحة الآن، ولم يتغيّر شيء. يبقى الرابط صالحًا، ويمكن فتحه من جديد بعد قليل.',
  'problem.link_title': 'هذا الرابط غير صالح',
  'problem.link':
    'ربما فُقد جزء منه في الطريق، ولذلك لم يتغيّر شيء. نرجو فتحه من الرسالة نفسها مرة أخرى أو نسخه كاملًا.',
  'problem.reply': 'إذا لم يُجدِ ذلك فيمكن الرد على الرسالة وطلب إيقاف الإرسال.',
  'problem.mail':
    'إذا لم يُجدِ ذلك فيمكن الكتابة إلى {{address}} من العنوان الذي يجب أن يتوقف الإرسال إليه. تكفي جملة واحدة:',
  'problem.sentence': 'أرجو عدم إرسال أي رسائل تسويقية إليّ بعد الآن.',
};
