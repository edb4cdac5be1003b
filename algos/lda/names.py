"""Names of parameters in other libraries."""

# SageMaker, gensim, tomotopy, MALLET and Spark, and what to write here.
FOREIGN_NAMES = {
    "num_topics": "n_components",
    "n_topics": "n_components",
    "k": "n_components",
    "alpha": "doc_topic_prior",
    "docConcentration": "doc_topic_prior",
    "eta": "topic_word_prior",
    "beta": "topic_word_prior",
    "topicConcentration": "topic_word_prior",
    "passes": "max_iter",
    "n_iter": "max_iter",
    "maxIter": "max_iter",
    "iterations": "max_iter for passes, max_doc_update_iter for steps of a document",
    "max_iterations": "max_als_iter",
    "optimizer": "learning_method",
    "chunksize": "batch_size",
    "mini_batch_size": "batch_size, or nothing: fit counts the documents",
    "feature_dim": "nothing: X has it",
    "decay": "learning_decay",
    "offset": "learning_offset",
    "optim_interval": "doc_topic_prior='auto'",
    "optimize_interval": "doc_topic_prior='auto'",
    "workers": "n_jobs",
    "seed": "random_state",
}
