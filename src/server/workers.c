#include "server/workers.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/assert.h"

typedef struct worker_job {
  void (*work)(void *job);
  void (*done)(void *job);
  void *job;
  struct worker_job *next;
} worker_job;

typedef struct job_queue {
  worker_job *first, **end;
} job_queue;

struct lc_workers {
  pthread_mutex_t mutex;
  pthread_cond_t arrived;
  job_queue waiting, finished;
  bool is_stopping;
  lc_loop *loop;
  uint32_t thread_count;
  pthread_t threads[];
};

static void push(job_queue *queue, worker_job *job) {
  job->next = NULL;
  if (queue->first == NULL) queue->end = &queue->first;
  *queue->end = job;
  queue->end = &job->next;
}

static worker_job *pop(job_queue *queue) {
  worker_job *job = queue->first;
  if (job) queue->first = job->next;
  return job;
}

static void *run_worker(void *context) {
  lc_workers *workers = context;
  pthread_mutex_lock(&workers->mutex);
  for (;;) {
    worker_job *job = pop(&workers->waiting);
    if (job == NULL) {
      if (workers->is_stopping) break;
      pthread_cond_wait(&workers->arrived, &workers->mutex);
      continue;
    }
    pthread_mutex_unlock(&workers->mutex);
    job->work(job->job);
    pthread_mutex_lock(&workers->mutex);
    push(&workers->finished, job);
    lc_loop_wake(workers->loop);
  }
  pthread_mutex_unlock(&workers->mutex);
  return NULL;
}

lc_err lc_workers_create(uint32_t threads, lc_loop *loop, lc_workers **workers) {
  lc_workers *made = calloc(1, sizeof *made + threads * sizeof *made->threads);
  lc_assert(made != NULL);
  pthread_mutex_init(&made->mutex, NULL);
  pthread_cond_init(&made->arrived, NULL);
  made->loop = loop;
  for (uint32_t i = 0; i < threads; i++) {
    int code = pthread_create(&made->threads[i], NULL, run_worker, made);
    if (code) {
      lc_workers_destroy(made);
      return lc_fail(LC_ERR_IO, "cannot start a worker thread: %s", strerror(code));
    }
    made->thread_count++;
  }
  *workers = made;
  return lc_ok();
}

void lc_workers_destroy(lc_workers *workers) {
  if (workers == NULL) return;
  pthread_mutex_lock(&workers->mutex);
  workers->is_stopping = true;
  pthread_cond_broadcast(&workers->arrived);
  pthread_mutex_unlock(&workers->mutex);
  for (uint32_t i = 0; i < workers->thread_count; i++) pthread_join(workers->threads[i], NULL);
  lc_workers_finish(workers);
  pthread_cond_destroy(&workers->arrived);
  pthread_mutex_destroy(&workers->mutex);
  free(workers);
}

void lc_workers_submit(lc_workers *workers, void (*work)(void *job), void (*done)(void *job), void *job) {
  worker_job *made = malloc(sizeof *made);
  lc_assert(made != NULL);
  *made = (worker_job){.work = work, .done = done, .job = job};
  pthread_mutex_lock(&workers->mutex);
  push(&workers->waiting, made);
  pthread_cond_signal(&workers->arrived);
  pthread_mutex_unlock(&workers->mutex);
}

bool lc_workers_has_finished(lc_workers *workers) {
  pthread_mutex_lock(&workers->mutex);
  bool has_finished = workers->finished.first != NULL;
  pthread_mutex_unlock(&workers->mutex);
  return has_finished;
}

size_t lc_workers_finish(lc_workers *workers) {
  size_t count = 0;
  for (;; count++) {
    pthread_mutex_lock(&workers->mutex);
    worker_job *job = pop(&workers->finished);
    pthread_mutex_unlock(&workers->mutex);
    if (job == NULL) return count;
    job->done(job->job);
    free(job);
  }
}
