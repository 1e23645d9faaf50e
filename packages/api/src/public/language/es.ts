/**
 * Spanish.
 *
 * @module
 */
import type { Texts } from './en.ts';

export const es: Texts = {
  'leave.title': '¿Darse de baja?',
  'leave.channel': 'No le enviaremos más correos publicitarios.',
  'leave.identity': 'No enviaremos más correos publicitarios a esta dirección.',
  'leave.subscription': 'No le enviaremos más correos de la lista {{list}}.',
  'leave.button': 'Darse de baja',
  'leave.nothing_yet':
    'Todavía no ha cambiado nada. Si ha llegado aquí por error, simplemente cierre esta página.',
  'leave.all_hint': '¿Prefiere no recibir ningún correo publicitario, en ninguna de sus direcciones?',
  'leave.all': 'No recibir ningún correo publicitario',
  'leave.preferences': 'Elegir en detalle lo que recibe',
  'who.all_addresses': 'y todas sus demás direcciones',
  'who.this_address': 'solo esta dirección',
  'left.title': 'Su baja está registrada',
  'left.late': 'Es posible que aún llegue un mensaje que ya había salido. Puede cerrar esta página.',
  'left.undo_hint': '¿Ha sido un error?',
  'left.undo': 'Deshacer',
  'undone.title': 'Su suscripción vuelve a estar activa',
  'undone.channel': 'Podemos volver a enviarle correos publicitarios.',
  'undone.identity': 'Podemos volver a enviar correos publicitarios a esta dirección.',
  'undone.subscription': 'Podemos volver a enviarle correos de la lista {{list}}.',
  'undone.not_title': 'No se ha podido deshacer',
  'undone.still_stopped':
    'Otra elección suya sigue deteniendo nuestros correos publicitarios. Puede verlas todas en sus preferencias.',
  'preferences.title': 'Sus preferencias',
  'preferences.intro': 'Elija lo que podemos enviarle. Nada cambia hasta que guarde.',
  'preferences.channels': 'Canales',
  'preferences.left_all':
    'Ha detenido toda la publicidad. Volverá a recibir lo que active ahora; todo lo demás seguirá desactivado.',
  'preferences.address': 'Correos a {{address}}',
  'preferences.lists': 'Listas',
  'preferences.lists_hint': 'Las listas solo le llegan mientras el correo electrónico esté activado.',
  'preferences.more_lists': 'Más listas',
  'preferences.personal': 'Personalización',
  'preferences.personalize': 'Adaptar los mensajes a mi perfil',
  'preferences.personalize_hint': 'Sin ello verá el mismo contenido que todo el mundo.',
  'preferences.save': 'Guardar',
  'preferences.leave_hint': 'O no recibir ninguna publicidad nuestra, por ningún canal.',
  'preferences.leave': 'Detener toda la publicidad',
  'preferences.complaint':
    'Un mensaje enviado a esta dirección se marcó como correo no deseado. Por eso no le enviamos correos publicitarios, sea cual sea su elección aquí. Si fue un error, escríbanos.',
  'channel.email': 'Correo electrónico',
  'channel.sms': 'SMS',
  'channel.push': 'Notificaciones push',
  'channel.whatsApp': 'WhatsApp',
  'channel.call': 'Llamadas telefónicas',
  'channel.fax': 'Fax',
  'channel.postalMail': 'Correo postal',
  'channel.all': 'Toda la publicidad',
  'saved.title': 'Sus elecciones están guardadas',
  'saved.unchanged': 'No había nada que cambiar.',
  'saved.on': 'Activado',
  'saved.off': 'Desactivado',
  'saved.kept': 'No se ha podido activar',
  'saved.complaint':
    'Un mensaje enviado a esta dirección se marcó como correo no deseado, por lo que sigue desactivado. Si fue un error, escríbanos.',
  'saved.newer':
    'Una elección más reciente dice que no, por lo que sigue desactivado. Vuelva a abrir sus preferencias.',
  'saved.undo': 'Deshacer',
  'saved.back': 'Volver a sus preferencias',
  'contact.write': 'Escribir a {{address}}',
  'problem.title': 'No ha funcionado',
  'problem.text': 'Vuelva a abrir el enlace desde su mensaje.',
  'problem.not_stored_title': 'Inténtelo de nuevo en un momento',
  'problem.not_stored': 'Su elección no se ha podido guardar en este momento. El enlace sigue siendo válido.',
  'problem.try_again': 'Intentar de nuevo',
  'problem.unavailable_title': 'Vuelva en un momento',
  'problem.unavailable':
    'Esta página no se puede mostrar en este momento y no ha cambiado nada. El enlace sigue siendo válido: ábralo de nuevo en un momento.',
  'problem.link_title': 'Este enlace no es válido',
  'problem.link':
    'Puede que una parte se haya perdido por el camino, así que no ha cambiado nada. Vuelva a abrirlo desde el propio mensaje o cópielo entero.',
  'problem.reply': 'Si eso no ayuda, responda al mensaje y pida que no le envíen más.',
  'problem.mail':
    'Si eso no ayuda, escriba a {{address}} desde la dirección que no debe recibir más correos. Basta con una frase:',
  'problem.sentence': 'Por favor, no me envíen más correos publicitarios.',
};
