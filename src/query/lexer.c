#include "query/lexer.h"

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
static bool is_hex_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}
/* Bytes above 0x7f belong to letters: the text was checked to be UTF-8, and no other class of character is told apart. */
static bool is_word_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (unsigned char)c >= 0x80;
}
static bool is_word(char c) {
  return is_word_start(c) || is_digit(c) || c == '$';
}

static char peek(const lc__lexer *lexer, size_t ahead) {
  return lexer->at + ahead < lexer->text.len ? lexer->text.ptr[lexer->at + ahead] : 0;
}

static lc_err skip_blanks(lc__lexer *lexer) {
  for (;;) {
    char c = peek(lexer, 0);
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v') {
      lexer->at++;
    } else if (c == '\xc2' && peek(lexer, 1) == '\xa0') { /* the no-break space, which text from editors brings along */
      lexer->at += 2;
    } else if (c == '-' && peek(lexer, 1) == '-') {
      while (lexer->at < lexer->text.len && peek(lexer, 0) != '\n') lexer->at++;
    } else if (c == '/' && peek(lexer, 1) == '*') {
      size_t depth = 0;
      do {
        if (lexer->at + 1 >= lexer->text.len) return lc_fail(LC_ERR_SQL, "sql parser error: unterminated comment");
        if (peek(lexer, 0) == '/' && peek(lexer, 1) == '*')
          depth++, lexer->at += 2;
        else if (peek(lexer, 0) == '*' && peek(lexer, 1) == '/')
          depth--, lexer->at += 2;
        else
          lexer->at++;
      } while (depth > 0);
    } else {
      return lc_ok();
    }
  }
}

/* The text between two `quote`s, doubled quotes inside undone. `at` is behind the opening one. */
static lc_err quoted(lc__lexer *lexer, char quote, lc_str *text) {
  size_t end = lexer->at, len = 0; /* the room is that of this token, or a text of many quotes would take its length squared */
  while (end < lexer->text.len && (lexer->text.ptr[end] != quote || (end + 1 < lexer->text.len && lexer->text.ptr[end + 1] == quote))) {
    end += lexer->text.ptr[end] == quote ? 2 : 1;
  }
  char *to = lc_arena_alloc(lexer->arena, end - lexer->at + 1);
  while (lexer->at < lexer->text.len) {
    char c = lexer->text.ptr[lexer->at++];
    if (c == quote) {
      if (peek(lexer, 0) != quote) {
        *text = (lc_str){to, len};
        return lc_ok();
      }
      lexer->at++;
    }
    to[len++] = c;
  }
  return lc_fail(LC_ERR_SQL, "sql parser error: Unterminated %s", quote == '"' ? "quoted identifier" : "string literal");
}

/* digits[.digits][e[sign]digits], or .digits…; a trailing L is swallowed. */
static void number(lc__lexer *lexer, lc__token *token) {
  size_t start = lexer->at;
  while (is_digit(peek(lexer, 0))) lexer->at++;
  if (peek(lexer, 0) == '.') {
    lexer->at++;
    while (is_digit(peek(lexer, 0))) lexer->at++;
  }
  char e = peek(lexer, 0);
  if (e == 'e' || e == 'E') {
    size_t sign = peek(lexer, 1) == '+' || peek(lexer, 1) == '-';
    if (is_digit(peek(lexer, 1 + sign))) {
      lexer->at += 1 + sign;
      while (is_digit(peek(lexer, 0))) lexer->at++;
    }
  }
  token->kind = LC__TOKEN_NUMBER;
  token->text = (lc_str){lexer->text.ptr + start, lexer->at - start};
  if (peek(lexer, 0) == 'L') lexer->at++;
}

static lc_err symbol(lc__lexer *lexer, lc__token *token) {
  static const struct {
    const char *text, *meaning;
  } symbols[] = {
      {"==", "=="}, {"!=", "!="}, {"<>", "!="}, {"<=", "<="}, {">=", ">="}, {"=", "="}, {"<", "<"}, {">", ">"},
      {"(", "("},   {")", ")"},   {",", ","},   {".", "."},   {"*", "*"},   {";", ";"}, {"+", "+"}, {"-", "-"},
  };
  for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
    size_t len = strlen(symbols[i].text);
    if (lexer->text.len - lexer->at >= len && memcmp(lexer->text.ptr + lexer->at, symbols[i].text, len) == 0) {
      lexer->at += len;
      token->kind = LC__TOKEN_SYMBOL;
      token->text = lc_str_of(symbols[i].meaning);
      return lc_ok();
    }
  }
  unsigned char c = (unsigned char)lexer->text.ptr[lexer->at];
  if (c < ' ') return lc_fail(LC_ERR_SQL, "sql parser error: unexpected control character 0x%02x at byte %zu", c, lexer->at);
  return lc_fail(LC_ERR_SQL, "sql parser error: unexpected character `%c` at byte %zu", c, lexer->at);
}

lc_err lc__lexer_next(lc__lexer *lexer, lc__token *token) {
  LC_TRY(skip_blanks(lexer));
  *token = (lc__token){.kind = LC__TOKEN_END, .offset = lexer->at};
  if (lexer->at >= lexer->text.len) return lc_ok();
  char c = peek(lexer, 0), next = peek(lexer, 1);

  if (is_digit(c) && c == '0' && next == 'x') {
    lexer->at += 2;
    size_t start = lexer->at;
    while (is_hex_digit(peek(lexer, 0))) lexer->at++;
    *token = (lc__token){LC__TOKEN_HEX, {lexer->text.ptr + start, lexer->at - start}, token->offset};
    return lc_ok();
  }
  if (is_digit(c) || (c == '.' && is_digit(next))) {
    number(lexer, token);
    return lc_ok();
  }
  if ((c == 'x' || c == 'X') && next == '\'') {
    lexer->at += 2;
    token->kind = LC__TOKEN_HEX;
    return quoted(lexer, '\'', &token->text);
  }
  if (is_word_start(c)) {
    size_t start = lexer->at;
    while (is_word(peek(lexer, 0)) && !(peek(lexer, 0) == '\xc2' && peek(lexer, 1) == '\xa0')) lexer->at++;
    token->kind = LC__TOKEN_WORD;
    token->text = (lc_str){lexer->text.ptr + start, lexer->at - start};
    return lc_ok();
  }
  if (c == '"' || c == '\'') {
    lexer->at++;
    token->kind = c == '"' ? LC__TOKEN_QUOTED : LC__TOKEN_STRING;
    return quoted(lexer, c, &token->text);
  }
  if (c == ':') {
    lexer->at++;
    LC_TRY(skip_blanks(lexer));
    size_t start = lexer->at;
    while (is_word(peek(lexer, 0))) lexer->at++;
    token->kind = LC__TOKEN_PARAMETER;
    token->text = (lc_str){lexer->text.ptr + start, lexer->at - start};
    return lc_ok();
  }
  return symbol(lexer, token);
}

bool lc__token_is_word(const lc__token *token, const char *keyword) {
  return token->kind == LC__TOKEN_WORD && lc_str_equal_nocase(token->text, lc_str_of(keyword));
}

bool lc__token_is_symbol(const lc__token *token, const char *text) {
  return token->kind == LC__TOKEN_SYMBOL && lc_str_is(token->text, text);
}
