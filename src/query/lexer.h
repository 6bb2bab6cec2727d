#pragma once
/* Tokens of SQL text (sql-and-subscriptions.md 1.2, restated in docs/sql.md). The text is untrusted; tokens borrow it. Threads: any. */
#include "base/arena.h"
#include "base/error.h"

typedef enum lc__token_kind {
  LC__TOKEN_END,
  LC__TOKEN_WORD /* unquoted: keyword or name */,
  LC__TOKEN_QUOTED /* "name" */,
  LC__TOKEN_NUMBER,
  LC__TOKEN_STRING,
  LC__TOKEN_HEX,
  LC__TOKEN_PARAMETER /* :name */,
  LC__TOKEN_SYMBOL,
} lc__token_kind;

typedef struct lc__token {
  lc__token_kind kind;
  lc_str text;   /* without quotes, escapes undone; of a hex literal its digits; of a symbol one of = == != < <= > >= ( ) , . * ; + - */
  size_t offset; /* of its first byte in the text */
} lc__token;

typedef struct lc__lexer {
  lc_arena *arena;
  lc_str text;
  size_t at;
} lc__lexer;

/* Reads the next token. Errors: LC_ERR_SQL. */
lc_err lc__lexer_next(lc__lexer *lexer, lc__token *token);
/* Whether the token is this keyword, in any case; quoted names never are. */
bool lc__token_is_word(const lc__token *token, const char *keyword);
bool lc__token_is_symbol(const lc__token *token, const char *symbol);
