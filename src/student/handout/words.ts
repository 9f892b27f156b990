import type { StudentLimits } from '../../api/limits.ts';

export const HANDOUT_LANGUAGES = ['en', 'zh'] as const;
export type HandoutLanguage = (typeof HANDOUT_LANGUAGES)[number];

/** What a handout says, in one language. */
interface HandoutWords {
  readonly title: string;
  readonly group: string;
  readonly address: string;
  readonly model: string;
  readonly key: string;
  readonly until: string;
  readonly scan: string;
  readonly settings: string;
  readonly saveAs: string;
  readonly load: string;
  readonly powerShell: string;
  readonly firstQuestion: string;
  /** What the programs ask. */
  readonly question: string;
  readonly saveFirst: (file: string, command: string) => string;
  readonly limits: string;
  readonly limit: Readonly<Record<keyof StudentLimits, (figure: string) => string>>;
  readonly used: string;
  readonly secret: string;
  readonly ask: (contact: string) => string;
}

/** By BCP 47 tag. */
export const HANDOUT_WORDS: Readonly<Record<HandoutLanguage, HandoutWords>> = {
  en: {
    title: 'Your access to the class',
    group: 'Group',
    address: 'Address',
    model: 'Model',
    key: 'Key',
    until: 'Ends',
    scan: 'The code holds the three lines below: scan it instead of typing them.',
    settings: 'Settings',
    saveAs: 'Save these three lines as a file .env',
    load: 'and load them in every new terminal:',
    powerShell: 'Windows (PowerShell):',
    firstQuestion: 'First question',
    question: 'Is 91 a prime number? Why?',
    saveFirst: (file, command) => `Save as ${file}, start with ${command}:`,
    limits: 'Your limits',
    limit: {
      requestsPerMinute: (figure) => `${figure} requests a minute`,
      tokensPerMinute: (figure) => `${figure} tokens a minute`,
      tokensPerDay: (figure) => `${figure} tokens a day`,
      tokensTotal: (figure) => `${figure} tokens in the whole course`,
      concurrentRequests: (figure) => `${figure} requests at the same time`,
      maxOutputTokens: (figure) => `${figure} tokens in one answer`,
    },
    used: 'What you have used:',
    secret:
      'Keep this sheet to yourself: whoever has the key works in your name and with your tokens. Never put the key into a program or a repository.',
    ask: (contact) => `Lost it, or any question: ${contact}.`,
  },
  zh: {
    title: '你的课堂访问凭证',
    group: '小组',
    address: '地址',
    model: '模型',
    key: '密钥',
    until: '有效期至',
    scan: '二维码包含下面三行设置：扫描即可，无需手动输入。',
    settings: '设置',
    saveAs: '将以下三行保存为 .env 文件',
    load: '并在每个新终端中加载：',
    powerShell: 'Windows（PowerShell）：',
    firstQuestion: '第一个问题',
    question: '91 是素数吗？为什么？',
    saveFirst: (file, command) => `保存为 ${file}，运行 ${command}：`,
    limits: '你的限额',
    limit: {
      requestsPerMinute: (figure) => `每分钟请求数：${figure}`,
      tokensPerMinute: (figure) => `每分钟 token 数：${figure}`,
      tokensPerDay: (figure) => `每天 token 数：${figure}`,
      tokensTotal: (figure) => `整个课程 token 数：${figure}`,
      concurrentRequests: (figure) => `同时进行的请求数：${figure}`,
      maxOutputTokens: (figure) => `单次回答 token 数：${figure}`,
    },
    used: '查看已用量：',
    secret: '请妥善保管：持有此密钥的人将以你的名义使用并消耗你的限额。切勿将密钥写入程序或代码仓库。',
    ask: (contact) => `如有遗失或疑问，请联系：${contact}。`,
  },
};
