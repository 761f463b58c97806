import { type TextWords, VARIABLES } from './text-variables.ts';

const { code, code_too, link, or_code, valid_for } = VARIABLES;

const ends: TextWords = {
  en: 'It is valid for {valid_for}. Never tell it to anybody.\n\nIf you did not ask for this, you can ignore this message.',
  ru: 'Действует {valid_for}. Никому его не сообщайте.\n\nЕсли вы этого не запрашивали, просто проигнорируйте это письмо.',
};

/** E-mail with codes: the first line is the subject. A paragraph that is `{code}` or `{link}` alone is drawn large, as a button. */
export const EMAIL_TEXTS = {
  email_code: {
    title: { en: 'E-mail with a code', ru: 'Письмо с кодом' },
    variables: { code, valid_for },
    builtIn: {
      en: `Your {brand} code\n\nYour confirmation code:\n\n{code}\n\n${ends.en}`,
      ru: `Ваш код {brand}\n\nВаш код подтверждения:\n\n{code}\n\n${ends.ru}`,
    },
  },
  email_password: {
    title: { en: 'E-mail to set a new password', ru: 'Письмо для нового пароля' },
    variables: { code, valid_for },
    builtIn: {
      en: `Reset your {brand} password\n\nYour code to set a new password:\n\n{code}\n\n${ends.en}`,
      ru: `Сброс пароля {brand}\n\nВаш код для нового пароля:\n\n{code}\n\n${ends.ru}`,
    },
  },
  email_link: {
    title: { en: 'E-mail with a link to sign in', ru: 'Письмо со ссылкой для входа' },
    variables: { link, or_code, code_too, valid_for },
    builtIn: {
      en: `Sign in to {brand}\n\nOpen this link to sign in:\n\n{link}\n\n{or_code}\n\n{code_too}\n\n${ends.en}`,
      ru: `Вход в {brand}\n\nОткройте эту ссылку, чтобы войти:\n\n{link}\n\n{or_code}\n\n{code_too}\n\n${ends.ru}`,
    },
  },
} as const;
