import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Check, Pencil, RotateCcw, Trash2 } from "lucide-react";
import { lazy, Suspense, useMemo, useState } from "react";
import {
  type Comment,
  changeComment,
  commentKeys,
  commentsQuery,
  createComment,
  deleteComment,
  type Target,
} from "@/api/comments";
import { formatAge, formatMoment } from "@/ui/humanize";
import { IconButton } from "@/ui/IconButton";
import { CommentForm } from "./CommentForm";
import { mentionExtensions } from "./mentions";
import "@/styles/comments.css";

const Markdown = lazy(() => import("@/ui/Markdown"));

export interface Subject {
  entity: string;
  project: string;
  /** What comments are about; new threads are about its part. */
  target: Target;
}

interface ThreadsProps extends Subject {
  /** Threads about other parts of the thing are shown too, each with the name of its part. */
  allParts?: boolean;
  /** Called for the name of a part: brings it into view. */
  onPart?: ((part: string) => void) | undefined;
}

interface Thread {
  first: Comment;
  answers: Comment[];
}

/** What people say of a report, a run or a panel: threads, the open ones first. */
export function Threads({ entity, project, target, allParts = false, onPart }: ThreadsProps) {
  const queries = useQueryClient();
  const found = useQuery(commentsQuery(entity, project, target.kind, target.id));
  const [resolved, setResolved] = useState(false);
  const settle = () => queries.invalidateQueries({ queryKey: commentKeys.project(entity, project) });
  const threads = useMemo(
    () => threadsOf(found.data?.comments ?? [], allParts ? null : target.part),
    [found.data, allParts, target.part],
  );
  const open = threads.filter(({ first }) => first.resolved_by === null);
  const closed = threads.filter(({ first }) => first.resolved_by !== null);
  const mayComment = found.data?.may_comment ?? false;
  return (
    <div className="threads">
      {found.error && <p className="bad">{found.error.message}</p>}
      {open.map((thread) => (
        <ThreadView
          key={thread.first.id}
          thread={thread}
          may={mayComment}
          onPart={onPart}
          onChanged={settle}
        />
      ))}
      {found.data && threads.length === 0 && <p className="muted">Nobody has said anything yet.</p>}
      {mayComment && (
        <CommentForm
          place={{ entity, project }}
          label={target.part ? `Comment on ${target.part}` : "Comment"}
          onSend={async (text) => {
            await createComment(entity, project, { target, text });
            await settle();
          }}
        />
      )}
      {closed.length > 0 && (
        <>
          <button
            type="button"
            className="link-button"
            aria-expanded={resolved}
            onClick={() => setResolved(!resolved)}
          >
            {resolved ? "Hide" : "Show"} {closed.length} resolved
          </button>
          {resolved &&
            closed.map((thread) => (
              <ThreadView
                key={thread.first.id}
                thread={thread}
                may={mayComment}
                onPart={onPart}
                onChanged={settle}
              />
            ))}
        </>
      )}
    </div>
  );
}

/** Comments by their threads, the oldest first. Answers to one that was deleted make a thread of their own. */
export function threadsOf(comments: readonly Comment[], part: string | null): Thread[] {
  const threads = new Map<string, Thread>();
  for (const comment of comments) {
    if (part !== null && comment.target.part !== part) continue;
    const thread = comment.reply_to === null ? undefined : threads.get(comment.reply_to);
    if (thread) thread.answers.push(comment);
    else threads.set(comment.reply_to ?? comment.id, { first: comment, answers: [] });
  }
  return [...threads.values()];
}

interface ThreadViewProps {
  thread: Thread;
  may: boolean;
  onPart: ((part: string) => void) | undefined;
  onChanged(): Promise<unknown>;
}

function ThreadView({ thread: { first, answers }, may, onPart, onChanged }: ThreadViewProps) {
  const [answering, setAnswering] = useState(false);
  const { entity, project, target } = first;
  const resolve = useMutation({
    mutationFn: (resolved: boolean) => changeComment(first.id, { version: first.version, resolved }),
    onSettled: onChanged,
  });
  const closed = first.resolved_by !== null;
  return (
    <article className={`thread ${closed ? "closed" : ""}`} aria-label={`Thread of ${first.author}`}>
      {target.part && onPart && (
        <button type="button" className="link-button thread-part" onClick={() => onPart(target.part)}>
          {target.part}
        </button>
      )}
      <CommentView comment={first} may={may} onChanged={onChanged} />
      {answers.map((comment) => (
        <CommentView key={comment.id} comment={comment} may={may} onChanged={onChanged} />
      ))}
      {closed && <p className="muted">Resolved by {first.resolved_by}</p>}
      {may && !answering && (
        <p className="thread-acts">
          {!closed && (
            <button type="button" className="link-button" onClick={() => setAnswering(true)}>
              Answer
            </button>
          )}
          {first.reply_to === null && (
            <button
              type="button"
              className="link-button"
              disabled={resolve.isPending}
              onClick={() => resolve.mutate(!closed)}
            >
              {closed ? <RotateCcw size={12} /> : <Check size={12} />}
              {closed ? "Open again" : "Resolve"}
            </button>
          )}
        </p>
      )}
      {resolve.error && <p className="bad">{resolve.error.message}</p>}
      {answering && (
        <CommentForm
          place={{ entity, project }}
          label="Answer"
          autoFocus
          onCancel={() => setAnswering(false)}
          onSend={async (text) => {
            await createComment(entity, project, { target, text, reply_to: first.id });
            setAnswering(false);
            await onChanged();
          }}
        />
      )}
    </article>
  );
}

interface CommentViewProps {
  comment: Comment;
  may: boolean;
  onChanged(): Promise<unknown>;
}

function CommentView({ comment, may, onChanged }: CommentViewProps) {
  const [editing, setEditing] = useState(false);
  const remove = useMutation({ mutationFn: () => deleteComment(comment.id), onSettled: onChanged });
  const place = { entity: comment.entity, project: comment.project };
  return (
    <div className="comment">
      <header>
        <b>{comment.author}</b>
        <time title={formatMoment(comment.created_at * 1000)}>
          {formatAge(comment.created_at * 1000, Date.now())}
          {comment.edited_at !== null && " · edited"}
        </time>
        <span className="grow" />
        {may && comment.mine && !editing && (
          <IconButton label="Edit comment" onClick={() => setEditing(true)}>
            <Pencil size={12} />
          </IconButton>
        )}
        {may && comment.may_delete && !editing && (
          <IconButton label="Delete comment" disabled={remove.isPending} onClick={() => remove.mutate()}>
            <Trash2 size={12} />
          </IconButton>
        )}
      </header>
      {editing ? (
        <CommentForm
          place={place}
          label="Edit comment"
          autoFocus
          text={comment.text}
          onCancel={() => setEditing(false)}
          onSend={async (text) => {
            await changeComment(comment.id, { version: comment.version, text });
            setEditing(false);
            await onChanged();
          }}
        />
      ) : (
        <Suspense fallback={<p className="plain-notes">{comment.text}</p>}>
          <Markdown text={comment.text} place={place} extensions={mentionExtensions} />
        </Suspense>
      )}
      {remove.error && <p className="bad">{remove.error.message}</p>}
    </div>
  );
}
