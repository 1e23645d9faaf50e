/**
 * Portuguese, in words that read well on both sides of the Atlantic: none that only one side uses (`guardar`, `salvar`, `você`), and
 * no `a` with an infinitive for what is going on.
 *
 * @module
 */
import type { Texts } from './en.ts';

export const pt: Texts = {
  'leave.title': 'Deixar de receber?',
  'leave.channel': 'Não enviaremos mais e\u2011mails publicitários.',
  'leave.identity': 'Não enviaremos mais e\u2011mails publicitários para este endereço.',
  'leave.subscription': 'Não enviaremos mais e\u2011mails da lista {{list}}.',
  'leave.button': 'Deixar de receber',
  'leave.nothing_yet': 'Ainda não mudou nada. Se chegou aqui por engano, basta fechar esta página.',
  'leave.all_hint': 'Prefere não receber nenhum e\u2011mail publicitário, em nenhum dos seus endereços?',
  'leave.all': 'Parar todos os e\u2011mails publicitários',
  'leave.preferences': 'Escolher exatamente o que recebe',
  'who.all_addresses': 'e todos os seus outros endereços',
  'who.this_address': 'apenas este endereço',
  'left.title': 'O seu cancelamento está confirmado',
  'left.late': 'Uma mensagem que já tinha saído ainda pode chegar. Pode fechar esta página.',
  'left.undo_hint': 'Foi engano?',
  'left.undo': 'Desfazer',
  'undone.title': 'Os envios estão ativos de novo',
  'undone.channel': 'Podemos voltar a enviar e\u2011mails publicitários.',
  'undone.identity': 'Podemos voltar a enviar e\u2011mails publicitários para este endereço.',
  'undone.subscription': 'Podemos voltar a enviar e\u2011mails da lista {{list}}.',
  'undone.not_title': 'Não foi possível desfazer',
  'undone.still_stopped':
    'Outra escolha sua ainda impede os nossos e\u2011mails publicitários. Pode ver todas nas suas preferências.',
  'preferences.title': 'As suas preferências',
  'preferences.intro': 'Escolha o que podemos enviar. Nada muda antes de confirmar.',
  'preferences.channels': 'Canais',
  'preferences.left_all':
    'Toda a publicidade está desativada. Voltará a receber o que ativar agora; todo o resto continua desativado.',
  'preferences.address': 'E\u2011mails para {{address}}',
  'preferences.lists': 'Listas',
  'preferences.lists_hint': 'As listas só chegam enquanto o e\u2011mail estiver ativado.',
  'preferences.more_lists': 'Mais listas',
  'preferences.personal': 'Personalização',
  'preferences.personalize': 'Adaptar as mensagens ao meu perfil',
  'preferences.personalize_hint': 'Sem isto, verá o mesmo conteúdo que todas as outras pessoas.',
  'preferences.save': 'Confirmar',
  'preferences.leave_hint': 'Ou não receber nenhuma publicidade nossa, por nenhum canal.',
  'preferences.leave': 'Parar toda a publicidade',
  'preferences.complaint':
    'Uma mensagem enviada para este endereço foi denunciada como spam. Por isso não enviamos e\u2011mails publicitários para ele, seja qual for a escolha feita aqui. Se foi engano, escreva para nós.',
  'channel.email': 'E\u2011mail',
  'channel.sms': 'SMS',
  'channel.push': 'Notificações push',
  'channel.whatsApp': 'WhatsApp',
  'channel.call': 'Telefonemas',
  'channel.fax': 'Fax',
  'channel.postalMail': 'Correio',
  'channel.all': 'Toda a publicidade',
  'saved.title': 'As suas escolhas estão confirmadas',
  'saved.unchanged': 'Não havia nada para alterar.',
  'saved.on': 'Ativado',
  'saved.off': 'Desativado',
  'saved.kept': 'Não foi possível ativar',
  'saved.complaint':
    'Uma mensagem enviada para este endereço foi denunciada como spam, por isso continua desativado. Se foi engano, escreva para nós.',
  'saved.newer':
    'Uma escolha mais recente diz que não, por isso continua desativado. Abra de novo as suas preferências.',
  'saved.undo': 'Desfazer',
  'saved.back': 'Voltar às suas preferências',
  'contact.write': 'Escrever para {{address}}',
  'problem.title': 'Não funcionou',
  'problem.text': 'Abra de novo o link da sua mensagem.',
  'problem.not_stored_title': 'Tente de novo daqui a pouco',
  'problem.not_stored': 'Não foi possível confirmar a sua escolha agora. O link continua válido.',
  'problem.try_again': 'Tentar de novo',
  'problem.unavailable_title': 'Volte daqui a pouco',
  'problem.unavailable':
    'Não é possível mostrar esta página agora, e nada mudou. O link continua válido: abra-o de novo daqui a pouco.',
  'problem.link_title': 'Este link não é válido',
  'problem.link':
    'Uma parte pode ter ficado pelo caminho, por isso nada mudou. Abra-o de novo a partir da própria mensagem ou copie-o por inteiro.',
  'problem.reply': 'Se isso não ajudar, responda à mensagem e peça para não receber mais.',
  'problem.mail':
    'Se isso não ajudar, escreva para {{address}} a partir do endereço que não deve receber mais e\u2011mails. Basta uma frase:',
  'problem.sentence': 'Por favor, não me enviem mais e\u2011mails publicitários.',
};
