/** Words from which synthetic people and their videos are composed. */

/** Languages; repetition sets the frequency. */
// prettier-ignore
export const languages = [
  'en', 'en', 'en', 'en', 'en', 'en', 'vi', 'vi', 'vi', 'vi', 'ja', 'ja', 'ko', 'ko', 'ar', 'ru', 'ru',
  'hi',
] as const;
type Language = (typeof languages)[number];
type Words = Readonly<Record<Language, readonly string[]>>;

/** First part of a display name. */
export const firstNames: Words = {
  en: ['Emma', 'Liam', "D'Arcy", 'Zoë', 'Marcus', 'Ava', 'José', 'Priya', 'The Real', 'Chef', 'Coach', 'Dr.'],
  vi: ['Nguyễn Thị', 'Trần Văn', 'Lê Minh', 'Phạm Ngọc', 'Hoàng Anh', 'Vũ Đức', 'Đặng Thùy', 'Bùi Quốc'],
  ja: ['佐藤', '鈴木', '高橋', '田中', '渡辺', '伊藤', '山本', '中村'],
  ko: ['김', '이', '박', '최', '정', '강', '조', '윤'],
  ar: ['محمد', 'فاطمة', 'أحمد', 'عائشة', 'عمر', 'ليلى', 'يوسف', 'نور'],
  ru: ['Анна', 'Дмитрий', 'Екатерина', 'Иван', 'Мария', 'Сергей', 'Ольга', 'Фёдор'],
  hi: ['राहुल', 'प्रिया', 'अमित', 'नेहा', 'विकास', 'पूजा', 'अर्जुन', 'काव्या'],
};

/** Second part of a display name. */
// prettier-ignore
export const lastNames: Words = {
  en: [
    'Smith', "O'Neill", 'Lee', 'García', 'Brown, MD', 'Jones', '"Jay" Carter', 'Müller', 'Eats', 'Tech',
    'Travels', 'K.',
  ],
  vi: ['Hương', 'Tuấn', 'Linh', 'Phương', 'Dũng', 'Thảo', 'Hải', 'Quỳnh'],
  ja: ['さくら', '太郎', '美咲', '健太', 'ひなた', '翔', '結衣', '蓮'],
  ko: ['민준', '서연', '도윤', '하은', '지호', '수아', '예준', '지우'],
  ar: ['الحسن', 'بن علي', 'السيد', 'العمري', 'حداد', 'منصور', 'الشامي', 'خليل'],
  ru: ['Иванова', 'Петров', 'Смирнова', 'Кузнецов', 'Соколова', 'Попов', 'Лебедева', 'Щукин'],
  hi: ['शर्मा', 'वर्मा', 'पटेल', 'सिंह', 'गुप्ता', 'कुमार', 'मेहता', 'जोशी'],
};

/** Biographies with the quotes, tabs, line breaks and emoji that real ones have. */
// prettier-ignore
export const biographies: Words = {
  en: [
    'Building things on the internet. Opinions my own.',
    'Mum of 3 👩‍👧‍👦, coffee ☕, chaos.\nDM for collabs', '"Life is short, eat dessert first" 🍰',
    'I don\'t tweet, I "broadcast"', 'Travel | Food | Fitness\n📍 Lisbon\n📩 hello@example.com',
    'Analyst; data, markets, and more data', 'she/her 🏳️‍🌈 artist, gamer, cat person 🐈‍⬛',
    'Tab\tseparated\tthoughts', 'C:\\dev\\null, 100% human', 'Follow for daily tips 💪🔥',
  ],
  vi: [
    'Yêu ẩm thực Việt Nam 🍜, du lịch & chụp ảnh', 'Liên hệ công việc: hello@example.com\nHà Nội',
    'Review chân thật, "không quảng cáo"', 'Mẹ bỉm sữa 👶, chia sẻ mỗi ngày',
  ],
  ja: [
    '東京在住。カフェ巡りが好きです☕', '毎日投稿📸\nお仕事の依頼はDMへ', '「好き」を仕事に', 'ゲーム実況、たまに料理🍳',
  ],
  ko: ['서울 맛집 탐방 🍽️', '매일 운동하는 사람 💪\n협업 문의는 DM', '"오늘도 행복하게"', '여행, 사진, 커피'],
  ar: [
    'محب للسفر والتصوير 📷', 'كاتب ومدون، القاهرة\nللتواصل عبر الرسائل', '«الحياة قصيرة»',
    'أخبار التقنية كل يوم',
  ],
  ru: [
    'Путешествия, еда и немного юмора 😄', 'Пишу о технологиях.\nСотрудничество: ЛС', '«Жизнь прекрасна»',
    'Мама двоих детей, бегаю марафоны',
  ],
  hi: ['यात्रा, खाना और फिल्में 🎬', 'रोज़ नई जानकारी\nDM करें', '"सपने देखो, पूरा करो"', 'क्रिकेट प्रेमी 🏏'],
};

/** Optional end of a display name. */
export const emoji = ['✨', '🔥', '💫', '🇻🇳', '👩‍🍳', '🎮', '💪🏽', '🌸', '✔️', '🐉'];

/** Parts of usernames: ASCII, at most 5 characters, so that two parts and 5 more characters fit into Twitter's limit of 15. */
// prettier-ignore
export const handleStarts = [
  'mai', 'linh', 'alex', 'yuki', 'omar', 'olga', 'ravi', 'ann', 'Leo', 'Kim', 'jo', 'The', 'real',
  'Nina', 'sam', 'tuan',
];
// prettier-ignore
export const handleEnds = [
  'tech', 'eats', 'fit', 'Daily', 'art', 'play', 'news', 'vn', 'Live', 'lab', 'HQ', 'tv', 'moto', 'kpop',
  'ify', 'cook',
];

/** Topics of a KOL. */
// prettier-ignore
export const categories = [
  'beauty', 'food', 'gaming', 'technology', 'travel', 'fitness', 'music', 'education', 'finance',
  'fashion & style', 'news/politics',
];

/** First part of a title. */
// prettier-ignore
export const titleStarts: Words = {
  en: [
    'I tried', 'How to master', 'The truth about', 'Reacting to', '10 things about', 'Honest review:',
    "Don't buy",
  ],
  vi: ['Thử thách', 'Hướng dẫn', 'Sự thật về', 'Đánh giá', 'Cách nấu', 'Một ngày với'],
  ja: ['【検証】', '初めての', '徹底解説', '正直レビュー', '人気の'],
  ko: ['솔직 리뷰', '처음 해보는', '꿀팁 대방출', '브이로그', '먹방'],
  ar: ['تجربة', 'شرح كامل', 'الحقيقة عن', 'مراجعة', 'كيف'],
  ru: ['Обзор', 'Как сделать', 'Вся правда о', 'Реакция на', 'Топ-10:'],
  hi: ['पूरी जानकारी', 'कैसे करें', 'सच्चाई', 'रिव्यू', 'टॉप 10'],
};

/** Second part of a title. */
// prettier-ignore
export const titleEnds: Words = {
  en: [
    'street food in Hanoi 🍜', 'the cheapest flight', '"viral" makeup', 'a $1 vs $1,000 phone',
    'TypeScript in 100 seconds', 'my morning routine',
  ],
  vi: [
    'ẩm thực đường phố 🍜', 'điện thoại giá rẻ', 'trang điểm "chuẩn Hàn"', 'Đà Lạt 2 ngày 1 đêm',
    'bún bò Huế',
  ],
  ja: ['コンビニ新商品', '東京カフェ☕', '最新スマホ', '一人旅', 'ゲーム実況 #12'],
  ko: ['편의점 신상', '서울 카페 ☕', '최신 스마트폰', '혼자 여행', '게임 방송 #12'],
  ar: ['أكل الشوارع 🍢', 'هاتف جديد', 'السفر الرخيص', 'يوم في حياتي', 'وصفة سهلة'],
  ru: ['уличная еда 🍢', 'новый смартфон', 'дешёвые перелёты', 'мой день', 'рецепт за 5 минут'],
  hi: ['स्ट्रीट फूड 🍢', 'नया फोन', 'सस्ती यात्रा', 'मेरा दिन', 'आसान रेसिपी'],
};

/** Hashtags, without the #. */
// prettier-ignore
export const hashtags = [
  'fyp', 'viral', 'food', 'ẩmthực', 'gaming', '旅行', '먹방', 'travel', 'рецепт', 'تقنية', 'DIY', '2026',
  'k-pop', 'मज़ा', 'ootd', 'say "hi"',
];
